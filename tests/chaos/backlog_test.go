//go:build chaos

package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"waybill.dev/contracts"
)

// place places so many orders, many at once, and returns their ids.
func (m *member) place(t *testing.T, orders int) []string {
	t.Helper()
	const together = 64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: together}}
	defer client.CloseIdleConnections()
	ids := make([]string, orders)
	var placing sync.WaitGroup
	for worker := range together {
		placing.Go(func() {
			for i := worker; i < orders; i += together {
				id, err := placeOne(client, m.url)
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = id
			}
		})
	}
	placing.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return ids
}

func placeOne(client *http.Client, url string) (id string, err error) {
	answer, err := client.Post(url+"/v1/orders", "application/json", strings.NewReader(anOrder))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var order struct{ ID string }
	if err := json.NewDecoder(answer.Body).Decode(&order); err != nil || answer.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%s, %w", answer.Status, err)
	}
	return order.ID, nil
}

// A service that was away for an hour finds 100,000 messages, and handles each of them once and in order.
func TestAServiceCatchesUpWithAnHour(t *testing.T) {
	t.Parallel()
	const orders = 100_000 / perOrder
	s := newOrdersService(t)
	m := s.join(t)
	began := time.Now()
	ids := m.place(t, orders)
	t.Logf("%d orders placed in %.1f s", orders, time.Since(began).Seconds())
	m.leave(t, syscall.SIGTERM)

	histories := make([][]contracts.Message, orders)
	for i, id := range ids {
		histories[i] = history(id)
	}
	s.sayAll(t, histories)

	began = time.Now()
	s.join(t)
	eventually(t, "all is heard", func() bool { return s.unheard(t) == 0 })
	took := time.Since(began)
	t.Logf("%d messages in %.1f s: %.0f a second", orders*perOrder, took.Seconds(), orders*perOrder/took.Seconds())
	s.checkHistories(t, orders)
	var completed int
	if err := s.database.QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE status = 'completed' AND attention = ''`).Scan(&completed); err != nil {
		t.Fatal(err)
	}
	if completed != orders {
		t.Errorf("%d of %d orders are completed", completed, orders)
	}
}
