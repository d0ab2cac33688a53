package main

import (
	"math"
	"slices"
	"time"
)

// median is the middle value, or the mean of the two in the middle; NaN when
// there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// quantile is the smallest of the values that at least the share q of them does
// not exceed (nearest rank); 0 when there are none. The values must be sorted.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// ratios divides pairwise what two contestants did in the same rounds.
func ratios(ours, yardstick []float64) []float64 {
	var result []float64
	for i := range min(len(ours), len(yardstick)) {
		if yardstick[i] > 0 {
			result = append(result, ours[i]/yardstick[i])
		}
	}
	return result
}

// rotated returns the items beginning with the nth, so that in turns each is
// first, and each comes behind each.
func rotated[T any](items []T, n int) []T {
	n %= max(len(items), 1)
	return slices.Concat(items[n:], items[:n])
}
