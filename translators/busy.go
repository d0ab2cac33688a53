package translators

import "context"

type busyKey struct{}

// WithBusy returns a context in which [NoteBusy] calls note.
func WithBusy(ctx context.Context, note func(error)) context.Context {
	return context.WithValue(ctx, busyKey{}, note)
}

// NoteBusy tells the host that the backend is busy, and is asked again: who waits for the
// whole, and has no time left, can then say why it did not come. err is an *[Error].
func NoteBusy(ctx context.Context, err error) {
	if note, is := ctx.Value(busyKey{}).(func(error)); is {
		note(err)
	}
}
