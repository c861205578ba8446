package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// retry is how long the node waits before it tries again what a pod lacks, and before it starts a container again.
const retry = time.Second

// address is one that the API takes for a pod's: it refuses loopback. Nobody connects to it.
const address = "10.244.0.1"

// A pod goes through its life in one goroutine: run.
type pod struct {
	node    *Node
	object  *core.Pod
	process atomic.Pointer[Process]

	once     sync.Once
	deleted  chan struct{} // closed when somebody wants it to end
	grace    time.Duration
	started  meta.Time
	restarts int32
}

func newPod(n *Node, object *core.Pod) *pod {
	return &pod{node: n, object: object, deleted: make(chan struct{})}
}

// delete lets the pod end, the sooner the shorter the grace of the first call.
func (p *pod) delete(seconds int64) {
	p.once.Do(func() {
		p.grace = time.Duration(seconds) * time.Second
		close(p.deleted)
	})
}

func (p *pod) run(ctx context.Context) {
	defer os.RemoveAll(filepath.Join(podDir(p.node, p.object), "root"))
	for {
		process := p.start(ctx)
		if process == nil {
			p.remove(ctx)
			return
		}
		p.process.Store(process)
		p.status(ctx, core.PodRunning, p.object.Spec.Containers[0].ReadinessProbe == nil, running(p.started))
		over := p.watch(ctx, process)
		if ctx.Err() != nil {
			return
		}
		code := process.Exit()
		fmt.Printf("%s pod %s/%s ended with %d\n", time.Now().Format("15:04:05"), p.object.Namespace, p.object.Name, code)
		if !over && p.object.Spec.RestartPolicy == core.RestartPolicyAlways {
			p.restarts++
			continue
		}
		phase := core.PodSucceeded
		if code != 0 {
			phase = core.PodFailed
		}
		p.status(ctx, phase, false, terminated(p.started, code))
		select {
		case <-p.deleted:
			p.remove(ctx)
		case <-ctx.Done():
		}
		return
	}
}

// start tries until the container's process is started. It returns nil when the pod is not wanted any more.
func (p *pod) start(ctx context.Context) *Process {
	for {
		process, err := p.tryStart(ctx)
		if err == nil {
			return process
		}
		p.status(ctx, core.PodPending, false, core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: err.Error()}})
		select {
		case <-ctx.Done():
			return nil
		case <-p.deleted:
			return nil
		case <-time.After(retry):
		}
	}
}

func (p *pod) tryStart(ctx context.Context) (*Process, error) {
	image, ok := p.node.images[p.object.Spec.Containers[0].Image]
	if !ok {
		return nil, fmt.Errorf("no image %s", p.object.Spec.Containers[0].Image)
	}
	dir := podDir(p.node, p.object)
	root := filepath.Join(dir, "root")
	if err := os.RemoveAll(root); err != nil {
		return nil, err
	}
	if err := image.copyTo(root); err != nil {
		return nil, err
	}
	if err := p.node.mount(ctx, p.object, root); err != nil {
		return nil, err
	}
	env, err := p.node.environment(ctx, p.object, image)
	if err != nil {
		return nil, err
	}
	p.started = meta.Now()
	return p.node.start(ctx, p.object, root, env, image, filepath.Join(dir, "container.log"))
}

// watch probes the process until it has ended, by itself or because the pod was deleted: over.
func (p *pod) watch(ctx context.Context, process *Process) (over bool) {
	ready := p.object.Spec.Containers[0].ReadinessProbe
	is := false
	for {
		var probe <-chan time.Time
		if ready != nil {
			probe = time.After(retry)
		}
		select {
		case <-process.Done():
			return false
		case <-p.deleted:
			process.stop(p.grace)
			return true
		case <-ctx.Done():
			process.Signal(syscall.SIGKILL)
			<-process.Done()
			return true
		case <-probe:
			if now := p.succeeds(ctx, ready); now != is {
				is = now
				p.status(ctx, core.PodRunning, is, running(p.started))
			}
		}
	}
}

func (p *pod) succeeds(ctx context.Context, probe *core.Probe) bool {
	get := probe.HTTPGet
	port := get.Port.IntValue()
	for _, named := range p.object.Spec.Containers[0].Ports {
		if named.Name == get.Port.StrVal {
			port = int(named.ContainerPort)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(probe.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, get.Path), nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode < 400
}

func running(since meta.Time) core.ContainerState {
	return core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: since}}
}

func terminated(since meta.Time, code int32) core.ContainerState {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	return core.ContainerState{Terminated: &core.ContainerStateTerminated{ExitCode: code, Reason: reason, StartedAt: since, FinishedAt: meta.Now()}}
}

// status tells the API about the pod. Conditions of others, such as that of an eviction, stay.
func (p *pod) status(ctx context.Context, phase core.PodPhase, ready bool, state core.ContainerState) {
	is := core.ConditionFalse
	if ready {
		is = core.ConditionTrue
	}
	now := meta.Now()
	status := core.PodStatus{
		Phase: phase, PodIP: address, StartTime: &p.started,
		Conditions: []core.PodCondition{{Type: core.PodReady, Status: is, LastTransitionTime: now}, {Type: core.ContainersReady, Status: is, LastTransitionTime: now}},
		ContainerStatuses: []core.ContainerStatus{{
			Name: p.object.Spec.Containers[0].Name, Image: p.object.Spec.Containers[0].Image, Ready: ready, RestartCount: p.restarts, State: state,
		}},
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		panic(err)
	}
	pods := p.node.client.CoreV1().Pods(p.object.Namespace)
	_, err = pods.Patch(ctx, p.object.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		fmt.Println("testbed: status of", p.object.Name, err)
	}
}

// remove takes a deleted pod, which has ended, out of the API.
func (p *pod) remove(ctx context.Context) {
	zero := int64(0)
	err := p.node.client.CoreV1().Pods(p.object.Namespace).Delete(ctx, p.object.Name, meta.DeleteOptions{
		GracePeriodSeconds: &zero, Preconditions: &meta.Preconditions{UID: &p.object.UID}})
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		fmt.Println("testbed: removal of", p.object.Name, err)
	}
}
