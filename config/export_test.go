package config

// Known is every key by section.
var Known = known
