package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// pom asks for Kafka's server, and for a logger that writes to standard error and needs no file of its own.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.waybill</groupId>
  <artifactId>kafka</artifactId>
  <version>%s</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%[1]s</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

func fetchJars(ctx context.Context, version, folder string) error {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("mvn is missing: install Maven (on Debian: maven), which fetches Apache Kafka")
	}
	project := filepath.Join(folder, "pom.xml")
	if err := os.WriteFile(project, fmt.Appendf(nil, pom, version), 0o644); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, maven, "--quiet", "--batch-mode", "--file", project,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+folder)
	// Maven is a shell script around Java: both are asked to end, as a Ctrl-C asks.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("fetch Kafka %s by Maven: %w: %s", version, err, firstError(string(output)))
	}
	return nil
}

// firstError is the first line of Maven's output that says what went wrong.
func firstError(output string) string {
	for line := range strings.Lines(output) {
		if _, text, found := strings.Cut(line, "[ERROR]"); found {
			return strings.TrimSpace(text)
		}
	}
	return strings.Join(strings.Fields(output), " ")
}
