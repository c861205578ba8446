package s3bed

import "os"

// The variables through which one process tells others of its server.
const (
	envEndpoint  = "SHADOOF_TESTBED_S3"
	envAccessKey = "SHADOOF_TESTBED_S3_ACCESS_KEY"
	envSecretKey = "SHADOOF_TESTBED_S3_SECRET_KEY"
	envRegion    = "SHADOOF_TESTBED_S3_REGION"
	envCA        = "SHADOOF_TESTBED_S3_CA"
)

// Env is the server as variables of the environment, in the form name=value.
func (s *Server) Env() []string {
	return []string{envEndpoint + "=" + s.Endpoint, envAccessKey + "=" + s.AccessKey, envSecretKey + "=" + s.SecretKey,
		envRegion + "=" + s.Region, envCA + "=" + s.CA}
}

// FromEnv is the server that the environment tells of.
func FromEnv() (*Server, bool) {
	endpoint := os.Getenv(envEndpoint)
	if endpoint == "" {
		return nil, false
	}
	return &Server{Endpoint: endpoint, AccessKey: os.Getenv(envAccessKey), SecretKey: os.Getenv(envSecretKey),
		Region: os.Getenv(envRegion), CA: os.Getenv(envCA)}, true
}
