package store

import (
	"context"
	"errors"
	"fmt"
)

// SetSwitch pulls a switch for a gateway. One that is pulled already stays as it is,
// with who pulled it and why: that is [ErrRefused].
func (s *Store) SetSwitch(ctx context.Context, w Switch) error {
	return s.change(ctx, "setting the switch "+string(w.Kind)+" of "+w.Gateway, func(tx *Tx) error {
		n, err := insertSwitch(ctx, tx, w)
		if err == nil && n == 0 {
			return fmt.Errorf("%w: the gateway %s is %s already", ErrRefused, w.Gateway, w.Kind)
		}
		return err
	})
}

func insertSwitch(ctx context.Context, tx *Tx, w Switch) (int64, error) {
	return tx.Exec(ctx, "INSERT INTO scim_switches (gateway, kind, since, who, why) VALUES "+Values(1, 5)+" ON CONFLICT (gateway, kind) DO NOTHING",
		w.Gateway, string(w.Kind), Micros(w.Since), w.Who, w.Why)
}

// ClearSwitch lets a switch go. One that is not pulled is [ErrRefused].
func (s *Store) ClearSwitch(ctx context.Context, gateway string, kind SwitchKind) error {
	return s.change(ctx, "clearing the switch "+string(kind)+" of "+gateway, func(tx *Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM scim_switches WHERE gateway = $1 AND kind = $2", gateway, string(kind))
		if err == nil && n == 0 {
			return fmt.Errorf("%w: the gateway %s is not %s", ErrRefused, gateway, kind)
		}
		return err
	})
}

// Switches returns the switches that are pulled, by gateway.
func (s *Store) Switches(ctx context.Context) (switches []Switch, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		switches, err = readSwitches(ctx, tx)
		return err
	})
	return switches, err
}

func readSwitches(ctx context.Context, tx *Tx) (switches []Switch, err error) {
	rows, err := tx.Query(ctx, "SELECT gateway, kind, since, who, why FROM scim_switches ORDER BY gateway, kind")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var w Switch
		var since int64
		if err := rows.Scan(&w.Gateway, &w.Kind, &since, &w.Who, &w.Why); err != nil {
			return nil, err
		}
		w.Since = Time(since)
		switches = append(switches, w)
	}
	return switches, rows.Err()
}
