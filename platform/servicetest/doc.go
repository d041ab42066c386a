// Package servicetest runs one service as it runs in production, on a database and a broker of the test's own: HTTP
// and Kafka in, Kafka out.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestService(t *testing.T) {
//		s := servicetest.Start(t, "payments", nil, func(c server.Config) (server.Service, error) {
//			return payments.New(payments.Config{Config: c, ProviderURL: simulator.URL()})
//		})
//		o := s.Order("acme")
//		o.Hears(t, contracts.OrderPlaced{…})
//		o.Says(t, contracts.PaymentAuthorized{…})
//	}
package servicetest
