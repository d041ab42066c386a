// Package verify tries the auditor on worlds that are right, and on worlds that were damaged behind everybody's back.
package verify
