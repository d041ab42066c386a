package contracts

import "regexp"

// What the names of tenants and of SKUs look like, as regular expressions for schemas to state.
const (
	TenantPattern = `^[a-z0-9-]{1,63}$`
	SKUPattern    = `^[A-Za-z0-9._-]{1,64}$`
)

var (
	aTenant = regexp.MustCompile(TenantPattern)
	aSKU    = regexp.MustCompile(SKUPattern)
)

// IsTenant says whether a tenant may be called so.
func IsTenant(s string) bool { return aTenant.MatchString(s) }

// IsOutcome says whether an operator can have settled an order so.
func IsOutcome(s string) bool { return s == "completed" || s == "cancelled" }

// IsSKU says whether a SKU may be called so.
func IsSKU(s string) bool { return aSKU.MatchString(s) }
