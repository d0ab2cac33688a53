package scim

func (And) String() string      { return "" }
func (Or) String() string       { return "" }
func (Not) String() string      { return "" }
func (Compare) String() string  { return "" }
func (Present) String() string  { return "" }
func (Elements) String() string { return "" }
