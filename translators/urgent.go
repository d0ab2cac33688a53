package translators

import "context"

type urgentKey struct{}

// Urgent marks the context of a disable, which nothing stops (DESIGN §4 rule 3): what a
// translator has to spare a backend, such as a rate, a number of connections or a circuit
// breaker, holds other requests back and not this one.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// IsUrgent reports whether the context is that of a disable.
func IsUrgent(ctx context.Context) bool {
	is, _ := ctx.Value(urgentKey{}).(bool)
	return is
}
