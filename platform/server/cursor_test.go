package server_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/server"
)

type place struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

func TestCursorComesBackAsItWas(t *testing.T) {
	t.Parallel()
	want := place{At: 1 << 60, ID: "ä/1"}
	cursor, err := server.EncodeCursor(want)
	if err != nil {
		t.Fatal(err)
	}
	var got place
	if err := server.DecodeCursor(cursor, &got); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMalformedCursorIsTheCallersFault(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	for _, cursor := range []string{
		"", "%", "=", "abc", encode([]byte(`{`)), encode([]byte(`{"at":"x"}`)), encode([]byte(`{"other":1}`)),
		encode([]byte(`{"at":1} {}`)), encode([]byte(`{"id":"\u0000"}`)), encode([]byte("{\"id\":\"\xff\"}")), encode([]byte(`[]`)),
		encode([]byte(`null`)), encode([]byte(`{}`)), encode([]byte(`{"at":1}`)), encode([]byte(`{"id":"a"}`)), encode([]byte(`{"at":0,"id":"a"}`)),
	} {
		err := server.DecodeCursor(cursor, &place{})
		var problem huma.StatusError
		if !errors.As(err, &problem) || problem.GetStatus() != http.StatusUnprocessableEntity {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

func TestCursorOfOneValueIsNeverEmpty(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"null", `""`} {
		var key string
		if err := server.DecodeCursor(base64.RawURLEncoding.EncodeToString([]byte(cursor)), &key); err == nil {
			t.Errorf("%s is taken", cursor)
		}
	}
}
