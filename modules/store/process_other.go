//go:build !linux

package store

// Outside Linux an instance has ended when it was silent for long enough.

func processSpace() string { return "" }

func processBegan(int) string { return "" }

func exists(int) bool { return true }
