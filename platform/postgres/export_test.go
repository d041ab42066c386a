package postgres

// OpenWaiting is Open for a test that will not wait for a silent server as long as a service does.
var OpenWaiting = open
