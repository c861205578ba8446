package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mount puts the volumes of a pod into the root of its container. What was not asked for is not there: a chart that mounts it wrongly
// is noticed.
func (n *Node) mount(ctx context.Context, p *core.Pod, root string) error {
	volumes := map[string]core.Volume{}
	for _, v := range p.Spec.Volumes {
		volumes[v.Name] = v
	}
	for _, m := range p.Spec.Containers[0].VolumeMounts {
		v, ok := volumes[m.Name]
		if !ok {
			return fmt.Errorf("no volume %s", m.Name)
		}
		at := filepath.Join(root, m.MountPath)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := n.fill(ctx, p, v, at); err != nil {
			return fmt.Errorf("volume %s: %w", m.Name, err)
		}
	}
	return nil
}

func (n *Node) fill(ctx context.Context, p *core.Pod, v core.Volume, at string) error {
	switch {
	case v.ConfigMap != nil:
		m, err := n.client.CoreV1().ConfigMaps(p.Namespace).Get(ctx, v.ConfigMap.Name, meta.GetOptions{})
		if err != nil {
			return err
		}
		data := map[string][]byte{}
		for k, text := range m.Data {
			data[k] = []byte(text)
		}
		return write(p, at, data, v.ConfigMap.Items, v.ConfigMap.DefaultMode)
	case v.Secret != nil:
		s, err := n.client.CoreV1().Secrets(p.Namespace).Get(ctx, v.Secret.SecretName, meta.GetOptions{})
		if err != nil {
			return err
		}
		return write(p, at, s.Data, v.Secret.Items, v.Secret.DefaultMode)
	case v.EmptyDir != nil:
		return os.Chmod(at, 0o777)
	}
	return fmt.Errorf("the stand-in knows no volume such as %s", v.String())
}

// write writes the files of a volume: all of root, readable for the pod's fsGroup.
func write(p *core.Pod, at string, data map[string][]byte, items []core.KeyToPath, mode *int32) error {
	if items == nil {
		for key := range data {
			items = append(items, core.KeyToPath{Key: key, Path: key})
		}
	}
	perm := os.FileMode(0o644)
	if mode != nil {
		perm = os.FileMode(*mode)
	}
	for _, item := range items {
		text, ok := data[item.Key]
		if !ok {
			return fmt.Errorf("there is no key %s", item.Key)
		}
		path := filepath.Join(at, item.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, perm); err != nil {
			return err
		}
		if group := p.Spec.SecurityContext.FSGroup; group != nil && os.Getuid() == 0 {
			if err := os.Chown(path, 0, int(*group)); err != nil {
				return err
			}
		}
	}
	return nil
}

// environment is what the container's process sees; nothing of this process is in it.
func (n *Node) environment(ctx context.Context, p *core.Pod, i *image) ([]string, error) {
	c := p.Spec.Containers[0]
	env := append([]string{"HOSTNAME=" + p.Name, "HOME=/"}, i.Env...)
	for _, from := range c.EnvFrom {
		more, err := n.all(ctx, p, from)
		if err != nil {
			return nil, err
		}
		env = append(env, more...)
	}
	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom != nil {
			var err error
			if value, err = n.valueFrom(ctx, p, e.ValueFrom); err != nil {
				return nil, fmt.Errorf("%s: %w", e.Name, err)
			}
		}
		env = append(env, e.Name+"="+value)
	}
	return env, nil
}

func (n *Node) all(ctx context.Context, p *core.Pod, from core.EnvFromSource) (env []string, err error) {
	switch {
	case from.SecretRef != nil:
		s, err := n.client.CoreV1().Secrets(p.Namespace).Get(ctx, from.SecretRef.Name, meta.GetOptions{})
		if err != nil {
			return nil, err
		}
		for k, v := range s.Data {
			env = append(env, from.Prefix+k+"="+string(v))
		}
	case from.ConfigMapRef != nil:
		m, err := n.client.CoreV1().ConfigMaps(p.Namespace).Get(ctx, from.ConfigMapRef.Name, meta.GetOptions{})
		if err != nil {
			return nil, err
		}
		for k, v := range m.Data {
			env = append(env, from.Prefix+k+"="+v)
		}
	}
	return env, nil
}

func (n *Node) valueFrom(ctx context.Context, p *core.Pod, from *core.EnvVarSource) (string, error) {
	switch {
	case from.SecretKeyRef != nil:
		s, err := n.client.CoreV1().Secrets(p.Namespace).Get(ctx, from.SecretKeyRef.Name, meta.GetOptions{})
		if err != nil {
			return "", err
		}
		if v, ok := s.Data[from.SecretKeyRef.Key]; ok {
			return string(v), nil
		}
		return "", fmt.Errorf("secret %s has no key %s", from.SecretKeyRef.Name, from.SecretKeyRef.Key)
	case from.FieldRef != nil:
		path := from.FieldRef.FieldPath
		if key, ok := strings.CutPrefix(path, "metadata.annotations['"); ok {
			return p.Annotations[strings.TrimSuffix(key, "']")], nil
		}
		if key, ok := strings.CutPrefix(path, "metadata.labels['"); ok {
			return p.Labels[strings.TrimSuffix(key, "']")], nil
		}
		if path == "metadata.name" {
			return p.Name, nil
		}
	}
	return "", fmt.Errorf("the stand-in knows no value such as %s", from.String())
}
