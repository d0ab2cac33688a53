# Measures scimgate against a plain LDAP client and a bare Caddy handler; see
# docs/performance.md. Flags go into ARGS: make bench ARGS=-quick
.PHONY: bench
bench:
	go run ./bench $(ARGS)
