package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"shadoof/internal/kafkatest"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/process"
)

// A broker is where the topics are: never in this process, nor in one that is measured.
type broker struct {
	name string
	addr []string
	fake *process.Process // nil: a real one, which somebody else stops
}

func openBroker(self, kind string) (*broker, error) {
	switch kind {
	case "real":
		cluster, ok := kafkabed.FromEnv()
		if !ok {
			return nil, errors.New("no broker in the environment: use `make bench`, run this through cmd/withservers, or give -broker kfake")
		}
		return &broker{name: "Kafka", addr: cluster.Brokers()}, nil
	case "kfake":
		return startFake(self)
	}
	return nil, fmt.Errorf("no broker is called %q: real and kfake are", kind)
}

func startFake(self string) (*broker, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	p, err := process.Start(process.Spec{Name: "kfake", Args: []string{self, "-task", task{Program: "kfake"}.text()}, Stdout: write, Stderr: os.Stderr})
	if err := errors.Join(err, write.Close()); err != nil {
		return nil, err
	}
	b := &broker{name: "kfake", fake: p}
	line, err := bufio.NewReader(read).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &b.addr)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start kfake: %w", err), p.Kill())
	}
	return b, nil
}

func (b *broker) close() error {
	if b.fake == nil {
		return nil
	}
	return b.fake.Stop(10 * time.Second)
}

// serveFake is the child that serves a fake cluster until it is told to end.
func serveFake(ctx context.Context, _ task) (measurement, error) {
	cluster, err := kafkatest.Start(kafkatest.Options{})
	if err != nil {
		return measurement{}, err
	}
	defer cluster.Close()
	if err := json.NewEncoder(os.Stdout).Encode(cluster.Brokers()); err != nil {
		return measurement{}, err
	}
	<-ctx.Done()
	return measurement{}, nil
}
