package main

import (
	"context"
	"sync"
	"time"

	"shadoof/extract"
	"shadoof/storage"
)

// A lazyExaminer is made when it is first asked something: options that cannot work, such as a file that is not there, are a finding.
type lazyExaminer struct {
	options extract.Options

	mu   sync.Mutex
	real *extract.Kafka
}

// examinerPatience is how long one question to the cluster may take.
const examinerPatience = 8 * time.Second

func (x *lazyExaminer) kafka() (*extract.Kafka, []storage.Finding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.real == nil {
		o := x.options
		o.Patience = examinerPatience
		real, err := extract.New(o)
		if err != nil {
			return nil, []storage.Finding{{Name: "client", Grade: storage.Bad, Detail: err.Error()}}
		}
		x.real = real
	}
	return x.real, nil
}

func (x *lazyExaminer) ExamineCluster(ctx context.Context) []storage.Finding {
	k, wrong := x.kafka()
	if wrong != nil {
		return wrong
	}
	return k.ExamineCluster(ctx)
}

func (x *lazyExaminer) ExamineTopic(ctx context.Context, u extract.Use) []storage.Finding {
	k, wrong := x.kafka()
	if wrong != nil {
		return wrong
	}
	return k.ExamineTopic(ctx, u)
}

func (x *lazyExaminer) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.real != nil {
		x.real.Close()
	}
}
