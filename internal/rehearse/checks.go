package rehearse

// Checks returns what is rehearsed for a provider, in its order.
func Checks(p Provider) []Check {
	switch p {
	case Entra:
		return entraChecks()
	case Okta:
		return oktaChecks()
	}
	return nil
}

func (r *run) checks(p Provider) []Check { return Checks(p) }
