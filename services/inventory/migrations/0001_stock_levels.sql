-- +goose Up

-- The stock of every SKU that was ever received, as its facts fold to: written in the commit of the facts.
-- SKUs are ordered byte by byte, so that pages are the same under every locale. Rows of SKUs that sell change all
-- the time, and no index with them: half of each page is left to them.
CREATE TABLE stock_levels (
    tenant   text             NOT NULL,
    sku      text COLLATE "C" NOT NULL,
    on_hand  bigint           NOT NULL,
    reserved bigint           NOT NULL,
    PRIMARY KEY (tenant, sku),
    CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (fillfactor = 50);

-- +goose Down
DROP TABLE stock_levels;
