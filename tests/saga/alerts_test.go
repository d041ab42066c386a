package saga

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// alerts is docs/alerts.yaml, as Prometheus reads it.
type alerts struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert       string
			Expr        string
			For         string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

var (
	// aSelector is a name and what stands behind it: "(" where it is a function, "{" where its labels are chosen.
	aSelector = regexp.MustCompile(`\b([a-zA-Z_][a-zA-Z0-9_:]*)(\s*\(|\{[^}]*\})?`)
	aGrouping = regexp.MustCompile(`\b(by|without|on|ignoring)\s*\([^)]*\)`)
	aDuration = regexp.MustCompile(`\[[0-9a-z]+\]`)
	aLabel    = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)`)
)

// checkAlerts: every metric that an alert asks for is told by a service, with the labels that it asks for.
func checkAlerts(t *testing.T, pages ...[]byte) {
	t.Helper()
	text, err := os.ReadFile("../../docs/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file alerts
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	told := map[string][]string{} // lines by the metric's name
	for _, page := range pages {
		for line := range strings.Lines(string(page)) {
			if name := aSelector.FindString(line); !strings.HasPrefix(line, "#") && name != "" {
				name, _, _ = strings.Cut(name, "{")
				told[name] = append(told[name], line)
			}
		}
	}
	rules := 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			rules++
			if rule.Alert == "" || rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("an alert lacks its name, summary or severity: %+v", rule)
			}
			metrics := metricsIn(rule.Expr)
			if len(metrics) == 0 {
				t.Errorf("%s asks for no metric: %s", rule.Alert, rule.Expr)
			}
			for name, labels := range metrics {
				if !slices.ContainsFunc(told[name], func(line string) bool {
					return !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(line, l+`="`) })
				}) {
					t.Errorf("%s: no service tells %s with the labels %v", rule.Alert, name, labels)
				}
			}
		}
	}
	if rules == 0 {
		t.Error("there are no alerts")
	}
}

// metricsIn are the metrics of an expression, with the labels that each is chosen by.
func metricsIn(expr string) map[string][]string {
	expr = aDuration.ReplaceAllString(aGrouping.ReplaceAllString(expr, " "), " ")
	metrics := map[string][]string{}
	for _, m := range aSelector.FindAllStringSubmatch(expr, -1) {
		name, behind := m[1], strings.TrimSpace(m[2])
		if strings.HasPrefix(behind, "(") || slices.Contains([]string{"and", "or", "unless", "bool", "offset"}, name) {
			continue
		}
		metrics[name] = nil
		for _, l := range aLabel.FindAllStringSubmatch(behind, -1) {
			metrics[name] = append(metrics[name], l[1])
		}
	}
	return metrics
}

func TestMetricsInAnExpression(t *testing.T) {
	t.Parallel()
	got := metricsIn(`max by (job, kind) (increase(attempts_total{outcome="failed", kind!~"a|b"}[15m])) > 1e2 or absent(depth) and sum without (x) (a:b)`)
	if len(got) != 3 || !slices.Equal(got["attempts_total"], []string{"outcome", "kind"}) {
		t.Errorf("%v", got)
	}
	for _, name := range []string{"depth", "a:b"} {
		if labels, there := got[name]; !there || len(labels) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
