package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/prometheusbed"
	"shadoof/testbed/readers"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

// A server that tests can share.
type server interface {
	Env() []string
	Logs() []string
	Close(logs bool) error
}

// available are the servers by name. A starter may return none, when there is only something to prepare.
var available = map[string]func(context.Context) (server, error){
	"kafka":    func(ctx context.Context) (server, error) { return asServer(kafkabed.Start(ctx, servers.SharedKafka)) },
	"hdfs":     func(ctx context.Context) (server, error) { return asServer(hdfsbed.Start(ctx, hdfsbed.Options{})) },
	"s3":       func(ctx context.Context) (server, error) { return asServer(s3bed.Start(ctx, s3bed.Options{})) },
	"registry": func(ctx context.Context) (server, error) { return asServer(registrybed.Start(ctx)) },
	"prometheus": func(ctx context.Context) (server, error) {
		_, err := prometheusbed.Prepare(ctx)
		return nil, err
	},
	"readers": func(ctx context.Context) (server, error) {
		_, err := readers.Prepare(ctx)
		return nil, err
	},
}

// asServer keeps a nil pointer from becoming a server that is not nil.
func asServer[S server](s S, err error) (server, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func names() []string { return slices.Sorted(maps.Keys(available)) }

// running are the servers that this process has started.
type running struct {
	mu      sync.Mutex
	servers []server
}

// startAll starts servers side by side, downloads and builds included. What was started is returned even with an error.
func startAll(ctx context.Context, names []string) (*running, error) {
	r := &running{}
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		start, ok := available[name]
		if !ok {
			return r, errors.Join(fmt.Errorf("testbed: no server is called %q", name), g.Wait())
		}
		g.Go(func() error {
			s, err := start(ctx)
			if s != nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.servers = append(r.servers, s)
			}
			return err
		})
	}
	return r, g.Wait()
}

func (r *running) env() []string {
	var env []string
	for _, s := range r.servers {
		env = append(env, s.Env()...)
	}
	return env
}

// stop stops all servers; after a failure it keeps their logs and says where they are.
func (r *running) stop(failed bool) error {
	var errs []error
	for _, s := range r.servers {
		errs = append(errs, s.Close(failed))
		if failed {
			for _, log := range s.Logs() {
				fmt.Fprintln(os.Stderr, "testbed: see", log)
			}
		}
	}
	return errors.Join(errs...)
}
