// Package node is a stand-in for a kubelet: it runs the first container of each pod as a process of this machine, in the file system
// of its image and with its volumes, as the user of the pod. There is no isolation beyond that: no limits, no network of its own.
package node

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// beat is how often the node says that it lives; the controller manager waits 40 s.
const beat = 10 * time.Second

// Options of a node.
type Options struct {
	Name   string
	Dir    string            // where pods live
	Images map[string]string // files as docker save writes them, by the names of images
}

// A Node runs pods. It is safe for concurrent use.
type Node struct {
	opts   Options
	client kubernetes.Interface
	images map[string]*image
	starts chan func()
	frozen sync.Map // namespaces whose processes start frozen

	mu   sync.Mutex
	pods map[types.UID]*pod
	wg   sync.WaitGroup
}

// New unpacks the images and registers the node.
func New(ctx context.Context, client kubernetes.Interface, opts Options) (*Node, error) {
	n := &Node{opts: opts, client: client, images: map[string]*image{}, pods: map[types.UID]*pod{}, starts: make(chan func())}
	for name, file := range opts.Images {
		image, err := unpack(file, filepath.Join(opts.Dir, "images", fmt.Sprint(len(n.images))))
		if err != nil {
			return nil, fmt.Errorf("testbed: image %s: %w", name, err)
		}
		n.images[name] = image
	}
	node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: opts.Name, Labels: map[string]string{"kubernetes.io/hostname": opts.Name, "kubernetes.io/os": "linux"}}}
	if _, err := client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("testbed: register node: %w", err)
	}
	return n, n.alive(ctx)
}

// Run runs pods until the context ends, and kills those that are left then.
func (n *Node) Run(ctx context.Context) error {
	go n.starter(ctx)
	n.wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(beat):
				if err := n.alive(ctx); err != nil && ctx.Err() == nil {
					fmt.Println("testbed:", err)
				}
			}
		}
	})
	mine := fields.OneTermEqualSelector("spec.nodeName", n.opts.Name)
	list := cache.NewListWatchFromClient(n.client.CoreV1().RESTClient(), "pods", meta.NamespaceAll, mine)
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: list, ObjectType: &core.Pod{}, Handler: cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.sees(ctx, o.(*core.Pod)) },
		UpdateFunc: func(_, o any) { n.sees(ctx, o.(*core.Pod)) },
	}})
	informer.RunWithContext(ctx)
	n.wg.Wait()
	return nil
}

// sees is called with each state of a pod that is bound to the node.
func (n *Node) sees(ctx context.Context, object *core.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, known := n.pods[object.UID]
	if !known {
		if object.Status.Phase == core.PodSucceeded || object.Status.Phase == core.PodFailed {
			return
		}
		p = newPod(n, object.DeepCopy())
		n.pods[object.UID] = p
		n.wg.Go(func() { p.run(ctx) })
	}
	if object.DeletionTimestamp != nil {
		p.delete(*object.DeletionGracePeriodSeconds)
	}
}

// Pod is a pod that is on the node, or was.
func (n *Node) Pod(uid types.UID) (*Process, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.pods[uid]
	if !ok {
		return nil, false
	}
	return p.process.Load(), p.process.Load() != nil
}

// alive writes the node's status and its lease.
func (n *Node) alive(ctx context.Context) error {
	capacity := core.ResourceList{"cpu": resource.MustParse("64"), "memory": resource.MustParse("256Gi"), "pods": resource.MustParse("110")}
	now := meta.Now()
	status := core.NodeStatus{
		Capacity: capacity, Allocatable: capacity,
		Conditions: []core.NodeCondition{{Type: core.NodeReady, Status: core.ConditionTrue, LastHeartbeatTime: now, LastTransitionTime: now, Reason: "StandIn"}},
		NodeInfo:   core.NodeSystemInfo{KubeletVersion: "v1.36.3", OperatingSystem: "linux", Architecture: "amd64"},
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	if _, err := n.client.CoreV1().Nodes().Patch(ctx, n.opts.Name, types.MergePatchType, patch, meta.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("node status: %w", err)
	}
	leases := n.client.CoordinationV1().Leases(core.NamespaceNodeLease)
	lease, err := leases.Get(ctx, n.opts.Name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease, err = leases.Create(ctx, &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: n.opts.Name}}, meta.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("node lease: %w", err)
	}
	seconds, renewed := int32(40), meta.NowMicro()
	lease.Spec = coordination.LeaseSpec{HolderIdentity: &n.opts.Name, LeaseDurationSeconds: &seconds, RenewTime: &renewed}
	if _, err := leases.Update(ctx, lease, meta.UpdateOptions{}); err != nil {
		return fmt.Errorf("node lease: %w", err)
	}
	return nil
}

// Freeze lets the processes of pods that start in a namespace from now on stand still from their first moment, until they get a
// SIGCONT. The function that it returns ends that, as Thaw does.
func (n *Node) Freeze(namespace string) func() {
	n.frozen.Store(namespace, true)
	return func() { n.Thaw(namespace) }
}

// Thaw ends Freeze for processes that start from now on.
func (n *Node) Thaw(namespace string) { n.frozen.Delete(namespace) }
