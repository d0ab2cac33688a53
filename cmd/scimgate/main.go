// Command scimgate is Caddy with the modules of scimgate: a SCIM 2.0 gateway for
// applications that know nothing of SCIM. Caddy's own commands work as they do
// in Caddy; ours are added, each in a file of its own.
package main

import (
	"runtime/debug"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "time/tzdata"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/scimgate/scimgate"
)

func init() {
	caddy.CustomBinaryName = "scimgate"
	caddy.CustomLongDescription = `scimgate is a SCIM 2.0 gateway: it stands between an identity provider such as
Microsoft Entra ID or Okta, which speaks SCIM, and an application that does not.
It is Caddy with the modules of scimgate and is configured in a Caddyfile.

	$ scimgate demo
	  shows it at work on an embedded directory, with nothing to install.

	$ scimgate run --config Caddyfile
	  runs it in the foreground.

	$ scimgate check --config Caddyfile
	  tries out what stands behind the gateways, and writes nothing.

	$ scimgate explain --config Caddyfile --gateway directory < request.http
	  prints what a SCIM request would do to the directory, and does none of it.

	$ scimgate rehearse entra --url https://scim.example.com/scim/v2 --token-file token
	  does what Entra will do, on throw-away users, and says what is missing.

	$ scimgate token create --gateway directory --name entra --expires 365d
	  issues a token to a provider; token list tells who uses it, rotate replaces it.

	$ scimgate access check --gateway directory --from 198.51.100.7 --token-file token
	  says whether a caller is let in, and why; notice test tries out your warnings.

	$ scimgate freeze directory --why "the directory is being moved"
	  stops the writes of a gateway, unfreeze lets it go on; gateway list tells how
	  all are switched, gateway disable switches one off.

	$ scimgate disable ada.lovelace --everywhere --why "left today"
	  disables a person now, without any provider.

	$ scimgate who ada.lovelace
	  tells what was done to one person, by which token and from where.

	$ scimgate journal --since 2h --operation disable
	  shows what was done; --follow goes on with what comes in.`
}

func main() {
	scimgate.TuneMemory()
	if info, ok := debug.ReadBuildInfo(); ok {
		caddy.CustomVersion = version(info)
	}
	caddycmd.Main()
}

// version returns what scimgate itself was built from: the version of the module,
// as go install and git tags tell it, or the revision. Caddy prints its own behind
// it.
func version(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return "scimgate " + v + ", Caddy"
	}
	var revision, modified string
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = "+modified"
		}
	}
	if revision == "" {
		return "scimgate of an unknown version, Caddy"
	}
	return "scimgate " + revision[:min(len(revision), 12)] + modified + ", Caddy"
}
