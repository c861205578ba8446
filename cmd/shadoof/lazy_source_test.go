package main

import (
	"context"
	"errors"
	"testing"

	"shadoof/extract"
)

// kafkaOf answers Topics; its other methods are not called.
type kafkaOf struct {
	extract.Source
	topics []string
}

func (k kafkaOf) Topics(context.Context) ([]string, error) { return k.topics, nil }

func TestKafkaIsConnectedToWhenItIsAsked(t *testing.T) {
	t.Parallel()
	opened, closed := 0, 0
	down := errors.New("down")
	s := &lazySource{open: func(context.Context) (extract.Source, func(), error) {
		opened++
		if opened == 1 {
			return nil, nil, down
		}
		return kafkaOf{topics: []string{"a"}}, func() { closed++ }, nil
	}}
	s.close()
	if opened != 0 {
		t.Fatal("it was connected to before it was asked")
	}
	if _, err := s.Topics(t.Context()); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	for range 2 {
		if topics, err := s.Topics(t.Context()); err != nil || len(topics) != 1 {
			t.Errorf("got %v, %v", topics, err)
		}
	}
	s.close()
	if opened != 2 || closed != 1 {
		t.Errorf("it was connected to %d times and closed %d times", opened, closed)
	}
}

func TestAReadThatCannotConnectYieldsTheErrorOnce(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	s := &lazySource{open: func(context.Context) (extract.Source, func(), error) { return nil, nil, down }}
	n := 0
	for b, err := range s.Read(t.Context(), extract.ReadRequest{}) {
		n++
		if b != nil || !errors.Is(err, down) {
			t.Errorf("got %v, %v", b, err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}
