package ldapconn

import (
	"context"
	"errors"

	"github.com/go-ldap/ldap/v3"
)

// Modify changes an entry and returns the controls of the answer, such as that
// of post-read (RFC 4527).
//
// Of this and all other writes: an error's Outcome says whether it may have
// been applied. Only one that was surely not sent is repeated, once.
func (p *Pool) Modify(ctx context.Context, request *ldap.ModifyRequest) ([]ldap.Control, error) {
	result, err := write(ctx, p, modifying, func(conn *ldap.Conn) (*ldap.ModifyResult, error) {
		return conn.ModifyWithResult(request)
	})
	if err != nil {
		return nil, err
	}
	return result.Controls, nil
}

// Add makes an entry. go-ldap keeps the controls of the answer to itself, so
// what the server has added (entryUUID and the like) is read afterwards. The
// same holds for Delete and ModifyDN.
func (p *Pool) Add(ctx context.Context, request *ldap.AddRequest) error {
	return writeOnly(ctx, p, adding, func(conn *ldap.Conn) error { return conn.Add(request) })
}

// Delete removes an entry.
func (p *Pool) Delete(ctx context.Context, request *ldap.DelRequest) error {
	return writeOnly(ctx, p, deleting, func(conn *ldap.Conn) error { return conn.Del(request) })
}

// ModifyDN renames or moves an entry.
func (p *Pool) ModifyDN(ctx context.Context, request *ldap.ModifyDNRequest) error {
	return writeOnly(ctx, p, renaming, func(conn *ldap.Conn) error { return conn.ModifyDN(request) })
}

// PasswordModify sets a password by the extended operation of RFC 3062. The
// result holds a password that the server has made up, if it was asked to.
func (p *Pool) PasswordModify(ctx context.Context, request *ldap.PasswordModifyRequest) (*ldap.PasswordModifyResult, error) {
	result, err := write(ctx, p, changingPassword, func(conn *ldap.Conn) (*ldap.PasswordModifyResult, error) {
		return conn.PasswordModify(request)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func writeOnly(ctx context.Context, p *Pool, name verb, request func(*ldap.Conn) error) error {
	_, err := write(ctx, p, name, func(conn *ldap.Conn) (struct{}, error) { return struct{}{}, request(conn) })
	return err
}

// write runs a write on a shared connection, and again if the first time it
// was surely not sent.
func write[T any](ctx context.Context, p *Pool, name verb, request func(*ldap.Conn) (T, error)) (T, error) {
	result, err := writeOnce(ctx, p, name, request)
	var failure *Error
	if errors.As(err, &failure) && failure.isRepeatable && failure.Outcome == NotSent && ctx.Err() == nil {
		return writeOnce(ctx, p, name, request)
	}
	return result, err
}

func writeOnce[T any](ctx context.Context, p *Pool, name verb, request func(*ldap.Conn) (T, error)) (T, error) {
	c, err := p.acquire(ctx, name.op)
	if err != nil {
		var none T
		return none, err
	}
	return do(ctx, p, c, name, request)
}
