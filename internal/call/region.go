package call

import "regexp"

// region is how AWS's regions are named: an area, where in it, a number.
var region = regexp.MustCompile(`^(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso|us-isob|us-isof)-(central|east|north|northeast|northwest|south|southeast|southwest|west)-[1-9]$`)

// ValidRegion reports whether name could be a region's. There are some hundreds of
// such names, and not more: a region that is called once has folders, digests and
// a signing key in every trail of all regions from then on, so that any name that
// looks like one would let a caller without a single permission make any number.
func ValidRegion(name string) bool { return region.MatchString(name) }
