package registrybed_test

import (
	"testing"

	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

const text = `{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`

func TestARegistryKeepsNothingWhenItEnds(t *testing.T) {
	t.Parallel()
	s := servers.OwnRegistry(t)
	for name, end := range map[string]func() error{"kill": s.Kill, "stop": s.Stop} {
		first, err := s.Register(t.Context(), "kept-"+name, registrybed.Schema{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Register(t.Context(), "kept-"+name, registrybed.Schema{Text: text})
		if err != nil || again != first {
			t.Fatalf("registered twice: ids %d and %d, %v", first, again, err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "kept-"+name, false); err == nil {
			t.Errorf("after %s the registry has its subjects", name)
		}
		if _, err := s.Register(t.Context(), "kept-"+name, registrybed.Schema{Text: text}); err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), "kept-"+name, false); err != nil {
			t.Error(err)
		}
	}
}
