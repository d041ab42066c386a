package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// EncodeCursor makes an opaque cursor of the key of a page's last row: a value, or a struct of values, none of which
// is ever zero.
func EncodeCursor(key any) (string, error) {
	data, err := json.Marshal(key)
	return base64.RawURLEncoding.EncodeToString(data), err
}

// DecodeCursor reads what EncodeCursor made into key, a pointer. A malformed cursor, or one that lacks a part of the
// key, is a problem ready to be returned.
func DecodeCursor(cursor string, key any) error {
	data, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err = d.Decode(key); err == nil {
			if _, more := d.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("more than one value")
			}
		}
	}
	if err != nil || checkJSONText(data) != nil || !whole(reflect.ValueOf(key).Elem()) {
		return huma.NewError(http.StatusUnprocessableEntity, "validation failed",
			&huma.ErrorDetail{Location: "query.cursor", Message: "is not a cursor of this list"})
	}
	return nil
}

// whole says whether every part of the key was given: "null" and "{}" leave it as it was.
func whole(key reflect.Value) bool {
	if key.Kind() != reflect.Struct {
		return !key.IsZero()
	}
	for _, part := range key.Fields() {
		if part.IsZero() {
			return false
		}
	}
	return key.NumField() > 0
}
