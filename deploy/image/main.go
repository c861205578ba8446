// Image builds the container image of shadoof without Docker: the static binary, authorities' certificates, a user that is not root,
// and nothing else. The same source gives the same bytes.
//
//	go run . -source ../.. -o shadoof.tar            # for docker load, or podman load
//	go run . -source ../.. -push REGISTRY/NAME:TAG   # with the credentials of docker login
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

type options struct {
	source    string
	version   string
	revision  string
	platforms string
	out       string
	tag       string
	push      string
}

func main() {
	var o options
	flag.StringVar(&o.source, "source", ".", "the `folder` of the product's go.mod")
	flag.StringVar(&o.version, "version", "development", "what `shadoof version` says, and a label")
	flag.StringVar(&o.revision, "revision", "", "the commit, for a label")
	flag.StringVar(&o.platforms, "platforms", "linux/amd64", "of the image; several, with commas, only with -push")
	flag.StringVar(&o.out, "o", "", "write the image to this `file`, as docker save does")
	flag.StringVar(&o.tag, "tag", "shadoof:development", "its name in that file")
	flag.StringVar(&o.push, "push", "", "push the image under this `name`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run builds, writes and pushes, and prints the digest.
func run(ctx context.Context, o options) error {
	if o.out == "" && o.push == "" {
		return errors.New("nothing to do: give -o FILE or -push NAME")
	}
	platforms := strings.Split(o.platforms, ",")
	if o.out != "" && len(platforms) > 1 {
		return errors.New("a file holds one platform: push several, or write one file for each")
	}
	images := map[string]v1.Image{}
	for _, p := range platforms {
		image, err := build(ctx, o, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		images[p] = image
	}
	if o.out != "" {
		if err := write(o, images[platforms[0]]); err != nil {
			return err
		}
	}
	if o.push != "" {
		return push(ctx, o.push, images)
	}
	return nil
}

func write(o options, image v1.Image) error {
	tag, err := name.NewTag(o.tag)
	if err != nil {
		return err
	}
	if err := tarball.WriteToFile(o.out, tag, image); err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s %s %s\n", o.out, o.tag, digest)
	return nil
}

// push pushes one image, or an index of several.
func push(ctx context.Context, to string, images map[string]v1.Image) error {
	ref, err := name.ParseReference(to)
	if err != nil {
		return err
	}
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if len(images) == 1 {
		for _, image := range images {
			if err := remote.Write(ref, image, opts...); err != nil {
				return err
			}
			return pushed(ref, image.Digest)
		}
	}
	index, err := indexOf(images)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(ref, index, opts...); err != nil {
		return err
	}
	return pushed(ref, index.Digest)
}

func pushed(ref name.Reference, digest func() (v1.Hash, error)) error {
	d, err := digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s@%s\n", ref.Context(), d)
	return nil
}
