package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Auditor is the role that may read every service's schema and change nothing. It cannot log in: it is granted
// to those who may.
const Auditor = "waybill_auditor"

// Access is how one service reaches its schema.
type Access struct {
	// OwnerURL logs in as the owner of the schema, who migrates it.
	OwnerURL string
	// ServiceURL logs in as the service, which reads and writes but owns nothing.
	ServiceURL string
}

// OwnerRole is the name of the role that owns a service's schema.
func OwnerRole(service string) string { return "waybill_" + service + "_owner" }

// ServiceRole is the name of the role that a service works under.
func ServiceRole(service string) string { return "waybill_" + service }

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// Provision makes, in the database that the administrator's URL names, a schema for each service, and in its
// cluster an owner and a service role for each, and the auditor. It may be repeated, and run by several at once;
// each time it answers URLs that work. The administrator is a superuser, or may create roles and schemas.
//
// A role belongs to the whole cluster while a schema belongs to one database, so whoever provisions another
// database meets roles that are there already. So passwords are derived from the administrator's own password:
// everyone who may provision comes to the same ones, and nothing has to be kept. An administrator without a
// password, whom the server trusts otherwise, sets random ones.
func Provision(ctx context.Context, adminURL string, services ...string) (map[string]Access, error) {
	for _, s := range services {
		if !serviceName.MatchString(s) {
			return nil, fmt.Errorf("service %q: a name is a lower-case letter, then up to 30 letters, digits or underscores", s)
		}
	}
	config, err := pgx.ParseConfig(adminURL)
	if err != nil {
		return nil, fmt.Errorf("administrator's URL: %w", withoutURL(err))
	}
	base, err := url.Parse(adminURL)
	if err != nil || base.Scheme == "" {
		return nil, errors.New("administrator's URL is not of the form postgres://user:password@host:port/database")
	}
	passwords, err := newPasswords(config.Password)
	if err != nil {
		return nil, err
	}
	admin, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect as administrator: %w", err)
	}
	defer admin.Close(context.WithoutCancel(ctx))

	if err := ensureRole(ctx, admin, Auditor, "NOLOGIN"); err != nil {
		return nil, err
	}
	access := map[string]Access{}
	for _, service := range services {
		a := Access{
			OwnerURL:   roleURL(base, OwnerRole(service), passwords.of(OwnerRole(service))),
			ServiceURL: roleURL(base, ServiceRole(service), passwords.of(ServiceRole(service))),
		}
		for role, url := range map[string]string{OwnerRole(service): a.OwnerURL, ServiceRole(service): a.ServiceURL} {
			if err := ensureLogin(ctx, admin, role, url, passwords.of(role)); err != nil {
				return nil, err
			}
		}
		if err := ensureSettings(ctx, admin, service); err != nil {
			return nil, err
		}
		if err := ensureSchema(ctx, admin, service); err != nil {
			return nil, err
		}
		access[service] = a
	}
	return access, nil
}

// ensureLogin makes the role, and sets its password where it cannot log in with it yet.
func ensureLogin(ctx context.Context, admin *pgx.Conn, role, url, password string) error {
	if err := ensureRole(ctx, admin, role, "LOGIN PASSWORD "+quoteLiteral(password)); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		return conn.Close(ctx)
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "28P01" && refused.Code != "28000" {
		return fmt.Errorf("log in as %s: %w", role, withoutURL(err))
	}
	return retryRaced(ctx, func() error {
		_, err := admin.Exec(ctx, "ALTER ROLE "+quote(role)+" LOGIN PASSWORD "+quoteLiteral(password))
		return wrap(err, "set the password of role "+role)
	})
}

// ensureRole makes the role where there is none.
func ensureRole(ctx context.Context, admin *pgx.Conn, role, options string) error {
	return retryRaced(ctx, func() error {
		var exists bool
		if err := admin.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&exists); err != nil {
			return fmt.Errorf("look for role %s: %w", role, err)
		}
		if exists {
			return nil
		}
		_, err := admin.Exec(ctx, "CREATE ROLE "+quote(role)+" "+options)
		return wrap(err, "create role "+role)
	})
}

// ensureSettings binds every session of the service's roles, a person's psql too. Those of a connection made by
// Open are the same.
func ensureSettings(ctx context.Context, admin *pgx.Conn, service string) error {
	for role, settings := range map[string]map[string]string{
		ServiceRole(service): sessionSettings(service),
		// The owner migrates, which may take long, but must not idle in a transaction either.
		OwnerRole(service): {
			"search_path":                         service,
			"idle_in_transaction_session_timeout": sessionSettings(service)["idle_in_transaction_session_timeout"],
		},
	} {
		err := retryRaced(ctx, func() error {
			// Altered only where it differs, because every ALTER ROLE writes a row that all databases share.
			var have []string
			err := admin.QueryRow(ctx, `SELECT coalesce((SELECT setconfig FROM pg_db_role_setting
				WHERE setrole = to_regrole($1) AND setdatabase = 0), '{}')`, role).Scan(&have)
			if err != nil {
				return fmt.Errorf("read the settings of role %s: %w", role, err)
			}
			for name, value := range settings {
				if slices.Contains(have, name+"="+value) {
					continue
				}
				if _, err := admin.Exec(ctx, "ALTER ROLE "+quote(role)+" SET "+name+" = "+quoteLiteral(value)); err != nil {
					return fmt.Errorf("settings of role %s: %w", role, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ensureSchema makes the schema, and says what the service and the auditor may do with tables that the owner
// will make in it.
func ensureSchema(ctx context.Context, admin *pgx.Conn, service string) error {
	return retryRaced(ctx, func() error {
		return pgx.BeginFunc(ctx, admin, func(tx pgx.Tx) error {
			// One at a time in this database. Other databases have locks of their own, hence retryRaced.
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('waybill provision', 0))`); err != nil {
				return err
			}
			schema, owner, role := quote(service), quote(OwnerRole(service)), quote(ServiceRole(service))
			statements := []string{}
			var superuser bool
			if err := tx.QueryRow(ctx, `SELECT rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&superuser); err != nil {
				return err
			}
			if !superuser {
				// Others must be members of the owner's role to act for it. Since PostgreSQL 16 whoever created a
				// role may administer it, but not act for it until this is granted.
				statements = append(statements, `GRANT `+owner+` TO CURRENT_USER`)
			}
			statements = append(statements,
				`CREATE SCHEMA IF NOT EXISTS `+schema+` AUTHORIZATION `+owner,
				`SET LOCAL ROLE `+owner,
				`GRANT USAGE ON SCHEMA `+schema+` TO `+role+`, `+Auditor,
				`ALTER DEFAULT PRIVILEGES IN SCHEMA `+schema+` GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO `+role,
				`ALTER DEFAULT PRIVILEGES IN SCHEMA `+schema+` GRANT USAGE, SELECT ON SEQUENCES TO `+role,
				`ALTER DEFAULT PRIVILEGES IN SCHEMA `+schema+` GRANT SELECT ON TABLES TO `+Auditor,
			)
			for _, s := range statements {
				if _, err := tx.Exec(ctx, s); err != nil {
					return fmt.Errorf("schema %s: %w", service, err)
				}
			}
			return nil
		})
	})
}

// retryRaced repeats what lost a race for a catalogue that all databases of the cluster share: somebody else,
// in another database, made or altered the same role at this moment.
func retryRaced(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		var pg *pgconn.PgError
		if err == nil || attempt == 20 || !errors.As(err, &pg) {
			return err
		}
		switch pg.Code {
		case "42710", "23505", "42P06": // the role or schema exists by now
		case "XX000": // tuple concurrently updated
		default:
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * 5 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

type passwords struct{ key []byte }

// newPasswords derives the key slowly, so that a role's password does not help to guess the administrator's.
func newPasswords(admin string) (passwords, error) {
	if admin == "" {
		key := make([]byte, sha256.Size)
		_, err := rand.Read(key)
		return passwords{key}, err
	}
	key, err := pbkdf2.Key(sha256.New, admin, []byte("waybill roles"), 100_000, sha256.Size)
	return passwords{key}, err
}

func (p passwords) of(role string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(role))
	return hex.EncodeToString(mac.Sum(nil))
}

func roleURL(base *url.URL, role, password string) string {
	u := *base
	u.User = url.UserPassword(role, password)
	// A password or user given as a parameter would win over these.
	q := u.Query()
	q.Del("user")
	q.Del("password")
	u.RawQuery = q.Encode()
	return u.String()
}

func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }

// quoteLiteral quotes what Provision itself made: DDL takes no parameters.
func quoteLiteral(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
