package verify

import (
	"context"
	"fmt"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/services/inventory/stock"
)

// receiptsQuery finds the deliveries that were counted otherwise than they came to their shelf. A receipt's stream is
// "{tenant}/receipt/{sku}/{reference}", and a reference may have slashes.
var receiptsQuery = fmt.Sprintf(`
WITH facts AS (
	SELECT split_part(stream, '/', 1) AS tenant, split_part(stream, '/', 3) AS sku, stream, kind, data FROM events WHERE kind IN ('%[1]s', '%[2]s')
), received AS (
	SELECT tenant, sku, data->>'reference' AS reference, sum((data->>'quantity')::bigint) AS quantity
	FROM facts WHERE kind = '%[1]s' GROUP BY 1, 2, 3
), counted AS (
	SELECT tenant, sku, substr(stream, length(tenant || '/%[3]s/' || sku || '/') + 1) AS reference, sum((data->>'quantity')::bigint) AS quantity
	FROM facts WHERE kind = '%[2]s' GROUP BY 1, 2, 3
)
SELECT tenant, sku, reference, coalesce(received.quantity, 0)::bigint, coalesce(counted.quantity, 0)::bigint
FROM received FULL JOIN counted USING (tenant, sku, reference) WHERE received.quantity IS DISTINCT FROM counted.quantity`,
	stock.Received{}.Kind(), stock.Counted{}.Kind(), stock.Receipts.Name)

// judgeReceipts holds what was counted of each delivery against what came to the shelf.
func (a *auditor) judgeReceipts(ctx context.Context, s *schema) error {
	return s.read(ctx, receiptsQuery, func(v [][]byte) error {
		a.report.find(audit.Finding{
			Statement: audit.StockEnds, Tenant: string(v[0]), Subject: string(v[1]),
			Evidence: fmt.Sprintf("%d were received as %s, and %d counted", toInt(v[3]), v[2], toInt(v[4])),
		})
		return nil
	})
}
