package hdfs

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// conf is Hadoop's configuration: the properties of core-site.xml and hdfs-site.xml.
type conf struct {
	dir    string // "" if there is none
	values map[string]string
	files  map[string]string // which file a property is of
}

var siteFiles = []string{"core-site.xml", "hdfs-site.xml"}

// loadConf reads the files of a folder; "" is that of the environment, if there is one.
func loadConf(dir string) (*conf, error) {
	named := "the folder of Hadoop's configuration"
	switch {
	case dir != "":
	case os.Getenv("HADOOP_CONF_DIR") != "":
		dir, named = os.Getenv("HADOOP_CONF_DIR"), "HADOOP_CONF_DIR"
	case os.Getenv("HADOOP_HOME") != "":
		dir, named = filepath.Join(os.Getenv("HADOOP_HOME"), "etc", "hadoop"), "HADOOP_HOME"
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			dir = ""
		}
	}
	c := &conf{dir: dir, values: map[string]string{}, files: map[string]string{}}
	if dir == "" {
		return c, nil
	}
	found := false
	for _, name := range siteFiles {
		file := filepath.Join(dir, name)
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = c.add(file, data)
		}
		if err != nil {
			return nil, fmt.Errorf("hadoop's configuration: %w", err)
		}
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%s is %s, which holds neither core-site.xml nor hdfs-site.xml: set store.hdfs.conf_dir or HADOOP_CONF_DIR to the folder of the cluster's client configuration", named, dir)
	}
	return c, nil
}

// add takes in the properties of a file. Those of later files win, unless they are final.
func (c *conf) add(file string, data []byte) error {
	var document struct {
		Properties []struct {
			Name  string `xml:"name"`
			Value string `xml:"value"`
		} `xml:"property"`
		Includes []struct {
			Href string `xml:"href,attr"`
		} `xml:"include"`
	}
	if err := xml.Unmarshal(data, &document); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(document.Includes) > 0 {
		return fmt.Errorf("%s includes %s, and includes are not read here: point conf_dir to files that hold all properties", file, document.Includes[0].Href)
	}
	for _, p := range document.Properties {
		name := strings.TrimSpace(p.Name)
		c.values[name], c.files[name] = strings.TrimSpace(p.Value), file
	}
	return nil
}

// get returns the value of a property, with the variables in it replaced; "" if it is not there.
func (c *conf) get(name string) string {
	value := c.values[name]
	for range 20 {
		before, rest, ok := strings.Cut(value, "${")
		if !ok {
			break
		}
		variable, after, ok := strings.Cut(rest, "}")
		if !ok {
			break
		}
		with, known := c.values[variable]
		if !known {
			env, isEnv := strings.CutPrefix(variable, "env.")
			if !isEnv {
				break
			}
			with = os.Getenv(env)
		}
		value = before + with + after
	}
	return value
}

// list returns the elements of a property that is a list.
func (c *conf) list(name string) (elements []string) {
	for e := range strings.SplitSeq(c.get(name), ",") {
		if e = strings.TrimSpace(e); e != "" {
			elements = append(elements, e)
		}
	}
	return elements
}

// is says whether a property has a value, whatever its case.
func (c *conf) is(name, value string) bool { return strings.EqualFold(c.get(name), value) }

// blockSize is that of new files (dfs.blocksize), as Hadoop's own clients take it: a number of bytes, or of the units k, m, g, t. 0 where
// nothing is said: the server's default then.
func (c *conf) blockSize() (int64, error) {
	text := strings.ToLower(c.get("dfs.blocksize"))
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimRight(text, "kmgt")
	shift := 0
	if unit := text[len(digits):]; len(unit) == 1 {
		shift = 10 * (1 + strings.Index("kmgt", unit))
	} else if unit != "" {
		digits = ""
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift || n<<shift%512 != 0 {
		return 0, fmt.Errorf("dfs.blocksize is %q in %s, which is no size of blocks such as 134217728 or 128m", text, c.where("dfs.blocksize", "hdfs-site.xml"))
	}
	return n << shift, nil
}

// where names the file that a property is in, or would be in, for error messages.
func (c *conf) where(name, usual string) string {
	if f, ok := c.files[name]; ok {
		return f
	}
	if c.dir == "" {
		return usual + " (no configuration of Hadoop was found: set store.hdfs.conf_dir or HADOOP_CONF_DIR)"
	}
	return filepath.Join(c.dir, usual)
}
