package registrybed

import "os"

// The variable through which one process tells others of its registry.
const envURL = "SHADOOF_TESTBED_REGISTRY"

// Env is the registry as variables of the environment, in the form name=value.
func (s *Server) Env() []string { return []string{envURL + "=" + s.URL} }

// FromEnv is the registry that the environment tells of.
func FromEnv() (*Server, bool) {
	url := os.Getenv(envURL)
	return &Server{URL: url}, url != ""
}
