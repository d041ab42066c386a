package postgres

import (
	"maps"
	"slices"
	"strconv"

	"waybill.dev/local/freeport"
)

// defaults are the settings of a server that shares a small machine with everything that uses it: five services
// with a pool each, many short transactions, little data.
func defaults(port int) map[string]string {
	return map[string]string{
		"listen_addresses":        freeport.Host,
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "",

		"max_connections": "200",
		"shared_buffers":  "128MB",
		// A shared commit takes up to 500 advisory locks, and several of them are under way at once. The lock
		// table has room for this many times max_connections.
		"max_locks_per_transaction": "128",

		// A checkpoint makes every page's next change write the whole page to the WAL: seldom is better.
		"checkpoint_timeout": "15min",
		"max_wal_size":       "2GB",
		"min_wal_size":       "256MB",
		"wal_compression":    "on",

		// Short statements over few rows: compiling or parallelising them costs more than it saves.
		"jit":                             "off",
		"max_parallel_workers_per_gather": "0",
		"random_page_cost":                "1.1",
		// Rows are found by their keys: there is little to learn from a large sample of them.
		"default_statistics_target": "10",

		// The outbox, the inbox and the jobs are written and swept all the time: vacuum them early, in small steps.
		"autovacuum_naptime":             "30s",
		"autovacuum_vacuum_scale_factor": "0.05",

		// Errors go to the client that made them. In the server's log they would show the statement and its values,
		// personal data among them.
		"log_min_messages":            "log",
		"log_min_error_statement":     "panic",
		"log_error_verbosity":         "terse",
		"log_statement":               "none",
		"log_min_duration_statement":  "-1",
		"log_checkpoints":             "off",
		"log_autovacuum_min_duration": "-1",
		"log_line_prefix":             "",
		"logging_collector":           "off",
		"log_destination":             "stderr",
		"log_timezone":                "UTC",
		"timezone":                    "UTC",
	}
}

// ephemeral are the further settings for data that nobody misses. What was committed outlives the server's own
// crash all the same, so that tests may kill it: only the machine's crash loses it.
func ephemeral() map[string]string {
	return map[string]string{
		"fsync":            "off",
		"full_page_writes": "off",
		"wal_level":        "minimal",
		"max_wal_senders":  "0",
	}
}

// arguments are the server's command line. Settings are given there and not in the data folder, so that a folder
// made by an older release gets today's.
func arguments(cluster string, port int, isEphemeral bool, own map[string]string) []string {
	settings := defaults(port)
	if isEphemeral {
		maps.Copy(settings, ephemeral())
	}
	maps.Copy(settings, own)
	arguments := []string{"-D", cluster}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		arguments = append(arguments, "-c", name+"="+settings[name])
	}
	return arguments
}
