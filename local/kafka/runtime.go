package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"waybill.dev/local/internal/cache"
)

// runtime is what runs Kafka's programs.
type runtime struct {
	java  string
	jars  []string
	flags []string
}

// versionPattern keeps what is not a version out of the file that Maven reads.
var versionPattern = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// findRuntime finds Java, and Kafka's jars, which it fetches once for each user and version.
func findRuntime(ctx context.Context, version string, logger *slog.Logger) (runtime, error) {
	if !versionPattern.MatchString(version) {
		return runtime{}, fmt.Errorf("%q is no version of Kafka", version)
	}
	java, err := findJava()
	if err != nil {
		return runtime{}, err
	}
	base, err := cache.UserFolder()
	if err != nil {
		return runtime{}, err
	}
	folder, err := cache.Install(ctx, base, "kafka-"+version, func(ctx context.Context, folder string) error {
		logger.Info("fetching Apache Kafka, this once", "version", version, "folder", base)
		return fetchJars(ctx, version, folder)
	})
	if err != nil {
		return runtime{}, err
	}
	jars, err := filepath.Glob(filepath.Join(folder, "*.jar"))
	if err != nil {
		return runtime{}, err
	}
	// Archived classes are good for the same jars in the same order only.
	slices.Sort(jars)
	r := runtime{java: java, jars: jars}
	archive, err := archiveClasses(ctx, r, base, version)
	if err != nil || archive == "" {
		return r, err
	}
	return r.with("-XX:SharedArchiveFile=" + archive), nil
}

func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java := filepath.Join(home, "bin", "java")
		if _, err := os.Stat(java); err == nil {
			return java, nil
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", errors.New("java is missing: install a Java runtime, 17 or later (on Debian: default-jre-headless)")
	}
	return java, nil
}

// with is the same runtime with these flags to the Java machine, and no others before them.
func (r runtime) with(flags ...string) runtime {
	r.flags = flags
	return r
}

// arguments are Java's, for one of Kafka's programs.
func (r runtime) arguments(heapMB int, program string, arguments ...string) []string {
	all := []string{
		fmt.Sprintf("-Xmx%dm", heapMB),
		// One collector thread for a small heap, and the quick compiler alone: measured on two cores, a start takes two
		// thirds of the processor time so, and the first 300,000 records little more than half.
		"-XX:+UseSerialGC",
		"-XX:TieredStopAtLevel=1",
		"-XX:-UsePerfData",
		"-Djava.awt.headless=true",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
	}
	all = append(all, r.flags...)
	all = append(all, "-cp", strings.Join(r.jars, string(os.PathListSeparator)), program)
	return append(all, arguments...)
}

// environment is what Java needs of this process's own. Kafka's own variables would steer it by accident.
func environment() []string {
	var kept []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "JAVA_HOME", "LANG", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}
