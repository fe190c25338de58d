package influence

import (
	"fmt"
	"strings"
)

// An UnsupportedError says that an input asks for something that infl cannot
// do, by name, and what comes nearest.
type UnsupportedError struct {
	What    string // the feature as the user knows it, for example "boosting=dart"
	Reason  string // why it cannot be done
	Instead string // the nearest thing that can be done; may be empty
}

func (e *UnsupportedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is not supported: %s", e.What, e.Reason)
	if e.Instead != "" {
		fmt.Fprintf(&b, "; %s", e.Instead)
	}
	return b.String()
}
