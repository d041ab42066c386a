package server

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// refuseUnknownQuery refuses query parameters that the operation does not know, or that come twice: huma passes them
// over, and a list that was to be narrowed by a misspelt name would be that of everything.
func refuseUnknownQuery(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		var wrong []error
		url := ctx.URL()
		for name, values := range url.Query() {
			known := slices.ContainsFunc(ctx.Operation().Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
			switch {
			case !known:
				wrong = append(wrong, &huma.ErrorDetail{Location: "query." + name, Message: "is not a parameter of this route"})
			case len(values) > 1:
				wrong = append(wrong, &huma.ErrorDetail{Location: "query." + name, Message: fmt.Sprintf("is given %d times", len(values))})
			}
		}
		if len(wrong) > 0 {
			_ = huma.WriteErr(api, ctx, http.StatusUnprocessableEntity, "validation failed", wrong...)
			return
		}
		next(ctx)
	}
}
