package offsets

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFold(t *testing.T) {
	t.Parallel()
	a := attemptName
	commit := func(n int, bundles ...Bundle) *Commit { return &Commit{lift(a(n), bundles...)} }
	seg := func(p int32, from, to int64) Bundle {
		return Bundle{Segments: []Segment{{Partition: p, From: from, To: to, Epoch: -1}}}
	}
	key := file(a(1), 0, 0, 100, 110).Key
	// The log so far: partition 0 is [100,110) committed, then skipped to 130; partition 1 stands at its start.
	base := []Body{startsOf(2), commit(1, bundle(a(1), 0, 100, 110)), &Skip{Incarnation: 1, Partition: 0, From: 110, To: 130, Gap: GapRetention}}
	with := func(more ...Body) []Body { return slices.Concat(base, more) }
	other := func(l Lift, incarnation int) Lift { l.Incarnation = incarnation; return l }
	replace := func(n int, remove []BundleRef, add ...Bundle) *Replace {
		return &Replace{Lift: lift(a(n), add...), Remove: remove, Swap: HideFirst}
	}
	drop := func(files ...FileRef) *Drop { return &Drop{Incarnation: 1, Files: files} }
	repair := func(n, after int) *Repair {
		return &Repair{Attempt: a(n), File: FileRef{2, key}, Bytes: 5, Token: json.RawMessage(`{}`), After: after}
	}
	starts := func(incarnation int, partitions ...int32) *Init {
		b := startsOf(0)
		b.Incarnation = incarnation
		for _, p := range partitions {
			b.Partitions = append(b.Partitions, PartitionStart{Partition: p, Start: 7, Epoch: -1})
		}
		return b
	}
	skip := func(p int32, from, to int64) *Skip {
		return &Skip{Incarnation: 1, Partition: p, From: from, To: to, Gap: GapOperator}
	}

	tracked := &Complete{Incarnation: 1, Through: 5, Open: []string{"a", "b", "c"}, Folders: []string{"a"}}
	folder := FolderOf(key)
	late := func(c *Commit, folders ...string) *Commit { c.Late = folders; return c }
	for name, c := range map[string]struct {
		before []Body
		body   Body
		want   string // "" for valid, else a part of the error
	}{
		"init of an empty log":                    {nil, startsOf(2), ""},
		"init of an empty log, not incarnation 1": {nil, starts(2, 0), "incarnation 2"},
		"init of a partition that appeared":       {base, starts(1, 2), ""},
		"init of a partition with a state":        {base, starts(1, 2, 1), "partition 1 has a state"},
		"init of a partition twice":               {base, starts(1, 2, 2), "partition 2 has a state"},
		"init of another incarnation":             {base, starts(2, 2), "incarnation 2"},
		"init of nothing":                         {base, starts(1), "no partition"},
		"init at a negative offset":               {base, &Init{Incarnation: 1, Partitions: []PartitionStart{{Partition: 5, Start: -1, Epoch: -1}}}, "starts at -1"},
		"init with a mark":                        {base, &Init{Incarnation: 1, Partitions: []PartitionStart{{Partition: 5, Mark: &Mark{}}}}, "has the mark of a batch"},
		"init after a fence":                      {[]Body{&Fence{[]string{a(1)}}}, startsOf(1), ""},

		"commit":                              {base, commit(2, bundle(a(2), 0, 130, 140)), ""},
		"commit of two partitions":            {base, commit(2, bundle(a(2), 0, 130, 140), seg(1, 100, 101)), ""},
		"commit of a bundle of two":           {base, commit(2, Bundle{Segments: []Segment{{Partition: 1, From: 100, To: 105}, {Partition: 0, From: 130, To: 131}}}), ""},
		"commit of an empty segment":          {base, commit(2, seg(0, 130, 130)), ""},
		"commit with a gap before it":         {base, commit(2, seg(0, 131, 140)), "starts at 131, but 130 is next"},
		"commit of what is committed":         {base, commit(2, seg(0, 100, 140)), "starts at 100, but 130 is next"},
		"commit of what is skipped":           {base, commit(2, seg(0, 110, 140)), "starts at 110"},
		"commit backwards":                    {base, commit(2, seg(0, 130, 129)), "segment [130,129)"},
		"commit of a partition in two":        {base, commit(2, seg(0, 130, 131), seg(0, 131, 132)), "two segments"},
		"commit of a partition without state": {base, commit(2, seg(7, 0, 1)), "partition 7 has no state"},
		"commit of no bundle":                 {base, commit(2), "no bundle"},
		"commit of no segment":                {base, commit(2, Bundle{}), "no segment"},
		"commit for another incarnation":      {base, &Commit{other(lift(a(2), seg(0, 130, 131)), 2)}, "incarnation 2, but 1"},
		"commit before any init":              {nil, commit(2, seg(0, 0, 1)), "incarnation 1, but 0"},
		"commit of a fenced attempt":          {with(&Fence{[]string{a(2)}}), commit(2, seg(0, 130, 131)), "is fenced"},
		"commit beside a fence":               {with(&Fence{[]string{a(3)}}), commit(2, seg(0, 130, 131)), ""},
		"commit without an attempt":           {base, &Commit{lift("", seg(0, 130, 131))}, "16 hex digits"},
		"commit with an unread attachment":    {base, &Commit{Lift{Incarnation: 1, Attempt: a(2), Attached: &Attachment{}}}, "was not read"},

		"fill of what was skipped":     {base, &Fill{lift(a(2), seg(0, 110, 130))}, ""},
		"fill in two parts":            {base, &Fill{lift(a(2), seg(0, 110, 112), seg(0, 120, 130))}, ""},
		"fill below the start":         {base, &Fill{lift(a(2), seg(0, 0, 100))}, ""},
		"fill beyond next":             {base, &Fill{lift(a(2), seg(0, 110, 131))}, "beyond 130"},
		"fill of what is covered":      {base, &Fill{lift(a(2), seg(0, 109, 120))}, "covered already"},
		"fill of the same twice":       {base, &Fill{lift(a(2), seg(0, 110, 120), seg(0, 119, 125))}, "covered already"},
		"fill of nothing":              {base, &Fill{lift(a(2), seg(0, 110, 110))}, "is empty"},
		"fill below zero":              {base, &Fill{lift(a(2), seg(0, -5, 100))}, "segment [-5,100)"},
		"fill of a fenced attempt":     {with(&Fence{[]string{a(2)}}), &Fill{lift(a(2), seg(0, 110, 130))}, "is fenced"},
		"fill for another incarnation": {base, &Fill{other(lift(a(2), seg(0, 110, 130)), 0)}, "incarnation 0"},

		"replace":                         {base, replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 110)), ""},
		"replace of what is replaced":     {with(replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 110))), replace(3, []BundleRef{{2, 0}}, bundle(a(3), 0, 100, 110)), "removed already"},
		"replace of the replacement":      {with(replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 110))), replace(3, []BundleRef{{4, 0}}, bundle(a(3), 0, 100, 110)), ""},
		"replace of a bundle twice":       {base, replace(2, []BundleRef{{2, 0}, {2, 0}}, bundle(a(2), 0, 100, 110)), "twice"},
		"replace of itself":               {base, replace(2, []BundleRef{{4, 0}}, bundle(a(2), 0, 100, 110)), "bundle 0 of version 4"},
		"replace of nothing":              {base, replace(2, nil, bundle(a(2), 0, 100, 110)), "removes no bundle"},
		"replace by nothing":              {base, replace(2, []BundleRef{{2, 0}}), "has no bundle"},
		"replace beyond what is covered":  {base, replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 111)), "is not covered"},
		"replace in an unknown order":     {base, &Replace{Lift: lift(a(2), bundle(a(2), 0, 100, 110)), Remove: []BundleRef{{2, 0}}, Swap: "at once"}, "unknown swap"},
		"replace of a fenced attempt":     {with(&Fence{[]string{a(2)}}), replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 110)), "is fenced"},
		"replace of an emptied version":   {with(&Drop{Files: []FileRef{{2, key}}, Emptied: []Range{{2, 4}}}), replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 110)), "removed already"},
		"replace after a drop of a file":  {with(drop(FileRef{2, key})), replace(2, []BundleRef{{2, 0}}, bundle(a(2), 0, 100, 110)), ""},
		"replace of another incarnation":  {base, &Replace{Lift: other(lift(a(2), bundle(a(2), 0, 100, 110)), 2), Remove: []BundleRef{{2, 0}}, Swap: HideFirst}, "incarnation 2"},
		"replace that empties the future": {base, &Replace{Lift: lift(a(2), bundle(a(2), 0, 100, 110)), Remove: []BundleRef{{2, 0}}, Swap: HideFirst, Emptied: []Range{{2, 5}}}, "empties versions [2,5)"},

		"drop":                         {base, drop(FileRef{2, key}), ""},
		"drop of nothing":              {base, drop(), "drops no file"},
		"drop of what is dropped":      {with(drop(FileRef{2, key})), drop(FileRef{2, key}), "removed already"},
		"drop of a file twice":         {base, drop(FileRef{2, key}, FileRef{2, key}), "twice"},
		"drop of a file of the future": {base, drop(FileRef{4, key}), "file of version 4"},
		"drop of a file of version 0":  {base, drop(FileRef{0, key}), "file of version 0"},
		"drop in an emptied version":   {with(&Drop{Files: []FileRef{{2, key}}, Emptied: []Range{{2, 3}}}), drop(FileRef{2, "another"}), "removed already"},
		"drop that empties backwards":  {base, &Drop{Files: []FileRef{{2, key}}, Emptied: []Range{{3, 2}}}, "empties versions [3,2)"},
		"drop in another incarnation":  {with(&Incarnate{Incarnation: 2}), &Drop{Incarnation: 2, Files: []FileRef{{2, key}}}, ""},

		"skip":                         {base, skip(0, 130, 135), ""},
		"skip from elsewhere":          {base, skip(0, 131, 135), "starts at 131, but 130 is next"},
		"skip of nothing":              {base, skip(0, 130, 130), "skips nothing"},
		"skip of no partition":         {base, skip(9, 0, 1), "partition 9 has no state"},
		"skip for another incarnation": {base, &Skip{Incarnation: 2, From: 130, To: 131, Gap: GapOperator}, "incarnation 2"},
		"skip for an unknown reason":   {base, &Skip{Incarnation: 1, From: 130, To: 131, Gap: "boredom"}, "unknown gap"},

		"repair":                         {base, repair(2, 0), ""},
		"repair of a repair":             {with(repair(2, 0)), repair(3, 1), ""},
		"repair beside a repair":         {with(repair(2, 0)), repair(3, 0), "follows 0 repairs"},
		"repair after one that is not":   {base, repair(2, 1), "follows 1 repairs"},
		"repair of a dropped file":       {with(drop(FileRef{2, key})), repair(2, 0), "is removed"},
		"repair of a fenced attempt":     {with(&Fence{[]string{a(2)}}), repair(2, 0), "is fenced"},
		"repair of a file of the future": {base, &Repair{Attempt: a(2), File: FileRef{4, key}}, "of version 4"},
		"repair in an emptied version":   {with(&Drop{Files: []FileRef{{2, key}}, Emptied: []Range{{1, 4}}}), repair(2, 0), "is removed"},

		"fence":                       {base, &Fence{[]string{a(2)}}, ""},
		"fence of an empty log":       {nil, &Fence{[]string{a(2)}}, ""},
		"fence of what is fenced":     {with(&Fence{[]string{a(2)}}), &Fence{[]string{a(2), a(3)}}, ""},
		"fence of what is in the log": {base, &Fence{[]string{a(1)}}, ""},

		"complete, the first":                    {base, &Complete{Incarnation: 1, Through: 5, Open: []string{"a", "b"}, Folders: []string{"a"}}, ""},
		"complete, the first, of nothing":        {base, &Complete{Incarnation: 1}, ""},
		"complete":                               {with(tracked), &Complete{Incarnation: 1, Through: 7, Folders: []string{"b"}, Vacant: []string{"c"}}, ""},
		"complete at the same time":              {with(tracked), &Complete{Incarnation: 1, Through: 5, Folders: []string{"b"}}, ""},
		"complete, back":                         {with(tracked), &Complete{Incarnation: 1, Through: 4, Folders: []string{"b"}}, "goes back from 5 to 4"},
		"complete, nothing new":                  {with(tracked), &Complete{Incarnation: 1, Through: 7}, "nothing new"},
		"complete of what is complete":           {with(tracked), &Complete{Incarnation: 1, Through: 7, Folders: []string{"a"}}, "a is not open"},
		"complete and vacant":                    {with(tracked), &Complete{Incarnation: 1, Through: 7, Folders: []string{"b"}, Vacant: []string{"b"}}, "b is not open"},
		"complete, out of order":                 {with(tracked), &Complete{Incarnation: 1, Through: 7, Folders: []string{"c", "b"}}, "out of order"},
		"complete, tracked twice":                {with(tracked), &Complete{Incarnation: 1, Through: 7, Open: []string{"x"}}, "tracked already"},
		"complete in another incarnation":        {base, &Complete{Incarnation: 2, Through: 5}, "incarnation 2"},
		"complete, off":                          {with(tracked), &Complete{Incarnation: 1, Off: true}, ""},
		"complete, off and anew":                 {with(tracked), &Complete{Incarnation: 1, Off: true, Anew: true}, "says more"},
		"complete, anew where it is tracked":     {with(tracked), &Complete{Incarnation: 1, Through: 7, Folders: []string{"b"}, Anew: true}, "tracked already"},
		"complete, off and more":                 {with(tracked), &Complete{Incarnation: 1, Off: true, Through: 9}, "says more"},
		"complete, off where it is off":          {with(tracked, &Complete{Incarnation: 1, Off: true}), &Complete{Incarnation: 1, Off: true}, "nothing is tracked"},
		"complete, on again":                     {with(tracked, &Complete{Incarnation: 1, Off: true}), &Complete{Incarnation: 1, Through: 6, Open: []string{"a"}}, ""},
		"complete, on again and back":            {with(tracked, &Complete{Incarnation: 1, Off: true}), &Complete{Incarnation: 1, Through: 4, Open: []string{"a"}}, "goes back"},
		"commit with late rows":                  {with(tracked), late(commit(2, bundle(a(2), 0, 130, 140)), folder), ""},
		"commit with late rows elsewhere":        {with(tracked), late(commit(2, bundle(a(2), 0, 130, 140)), "x"), "late rows in x"},
		"commit with late rows, nothing is late": {base, late(commit(2, bundle(a(2), 0, 130, 140)), folder), "no folder was ever complete"},
		"drop that reopens":                      {with(tracked), &Drop{Incarnation: 1, Files: []FileRef{{2, key}}, Reopens: []string{folder}}, ""},
		"drop that reopens what never closed":    {base, &Drop{Incarnation: 1, Files: []FileRef{{2, key}}, Reopens: []string{folder}}, "none was ever complete"},

		"incarnate":                   {base, &Incarnate{Incarnation: 2, Partitions: []PartitionStart{{Epoch: -1}}}, ""},
		"incarnate the current one":   {base, &Incarnate{Incarnation: 1}, "begins incarnation 1, but 1"},
		"incarnate one too far":       {base, &Incarnate{Incarnation: 3}, "begins incarnation 3"},
		"incarnate a partition twice": {base, &Incarnate{Incarnation: 2, Partitions: []PartitionStart{{Epoch: -1}, {Start: 5, Epoch: -1}}}, "partition 0 has a state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := after(t, c.before...)
			frozen, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			all := chain(slices.Concat(c.before, []Body{c.body})...)
			n, err := Fold(s, all[len(all)-1])
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), fmt.Sprintf("record %d (%s", len(all), c.body.RecordType()))):
				t.Fatalf("got %v, want an error with %q", err, c.want)
			case c.want == "":
				if err := n.check(); err != nil {
					t.Fatal(err)
				}
			}
			now, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the state before", string(frozen), string(now))
		})
	}
}

func TestFoldDemandsTheChain(t *testing.T) {
	t.Parallel()
	s := after(t, startsOf(1))
	good := chain(startsOf(1), &Commit{lift(attemptName(1), bundle(attemptName(1), 0, 100, 110))})[1]
	for name, change := range map[string]func(*Record){
		"version":  func(r *Record) { r.V = 3 },
		"prev":     func(r *Record) { r.Prev = strings.Repeat("0", 32) },
		"level":    func(r *Record) { r.Level = 3 },
		"format":   func(r *Record) { r.Format = 3 },
		"no body":  func(r *Record) { r.Body = nil },
		"its body": func(r *Record) { r.Body = &Fence{} },
	} {
		r := *good
		change(&r)
		if _, err := Fold(s, &r); !errors.Is(err, ErrDamaged) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := Fold(s, good); err != nil {
		t.Error(err)
	}
}

func TestStateAfterEachType(t *testing.T) {
	t.Parallel()
	a, key := attemptName, file(attemptName(1), 0, 0, 100, 110).Key
	mark := func(to int64) *Mark { return &Mark{to - 1, noon.UnixMilli(), uint32(to)} }
	at := func(v int64) int64 { return noon.Add(time.Duration(v) * time.Minute).UnixMilli() }
	passed := noon.UnixMilli()
	steps := []struct {
		body   Body
		change func(*State)
	}{
		{startsOf(2), func(s *State) {
			s.Incarnation, s.Cluster, s.TopicID = 1, "cluster-1", strings.Repeat("7", 32)
			s.Partitions[0] = PartitionState{Start: 100, Next: 100, Epoch: 2, Since: at(1)}
			s.Partitions[1] = PartitionState{Start: 100, Next: 100, Epoch: 2, Since: at(1)}
		}},
		{&Commit{lift(a(1), bundle(a(1), 0, 100, 110))}, func(s *State) {
			s.Partitions[0] = PartitionState{Start: 100, Next: 110, Epoch: 3, Mark: mark(110), Coverage: []Range{{100, 110}}, Passed: passed, Since: at(2)}
		}},
		{&Skip{Incarnation: 1, Partition: 0, From: 110, To: 130, Gap: GapOperator}, func(s *State) {
			s.Partitions[0] = PartitionState{Start: 100, Next: 130, Epoch: 3, Mark: mark(110), Coverage: []Range{{100, 110}}, Passed: passed, Since: at(3)}
		}},
		{&Commit{lift(a(2), Bundle{Segments: []Segment{{Partition: 0, From: 130, To: 140, Epoch: -1}}})}, func(s *State) {
			s.Partitions[0] = PartitionState{Start: 100, Next: 140, Epoch: 3, Mark: mark(110), Coverage: []Range{{100, 110}, {130, 140}}, Passed: passed, Since: at(4)}
		}},
		{&Fill{lift(a(3), bundle(a(3), 0, 110, 130))}, func(s *State) {
			s.Partitions[0] = PartitionState{Start: 100, Next: 140, Epoch: 3, Mark: mark(130), Coverage: []Range{{100, 140}}, Passed: passed, Since: at(4)}
		}},
		{&Repair{Attempt: a(4), File: FileRef{2, key}}, func(s *State) { s.Repairs = map[string]int{"2/" + key: 1} }},
		{&Drop{Files: []FileRef{{2, key}}}, func(s *State) { s.Removed.Files = []FileRef{{2, key}} }},
		{&Replace{Lift: lift(a(5), bundle(a(5), 0, 110, 130)), Remove: []BundleRef{{5, 0}}, Swap: ShowFirst}, func(s *State) { s.Removed.Bundles = []BundleRef{{5, 0}} }},
		{&Drop{Files: []FileRef{{8, "x"}}, Emptied: []Range{{2, 4}, {5, 8}}}, func(s *State) {
			s.Removed = Removed{Versions: []Range{{2, 4}, {5, 8}}, Files: []FileRef{{8, "x"}}}
		}},
		{&Drop{Files: []FileRef{{4, "y"}}, Emptied: []Range{{4, 5}}}, func(s *State) { s.Removed.Versions = []Range{{2, 8}} }},
		{&Fence{[]string{a(7), a(8)}}, func(s *State) { s.Fenced = map[string]bool{a(7): true, a(8): true} }},
		{&Incarnate{Incarnation: 2, Cluster: "c2", TopicID: "t2", Partitions: []PartitionStart{{Partition: 1, Start: 5}, {Partition: 2, Start: 8, Epoch: 3, Mark: &Mark{Offset: 6}}}}, func(s *State) {
			s.Incarnation, s.Cluster, s.TopicID = 2, "c2", "t2"
			s.Partitions = map[int32]PartitionState{1: {Start: 5, Next: 5, Since: at(12)}, 2: {Start: 8, Next: 8, Epoch: 3, Mark: &Mark{Offset: 6}, Since: at(12)}}
		}},
	}
	var bodies []Body
	want := NewState()
	for i, step := range steps {
		bodies = append(bodies, step.body)
		want.V, want.ID = int64(i+1), fmt.Sprintf("%032x", 0x1d0000+i+1)
		step.change(want)
		same(t, fmt.Sprintf("after %d, %s", i+1, step.body.RecordType()), want, after(t, bodies...))
	}
	s := after(t, bodies[:8]...)
	same(t, "uncovered", []Range{{0, 100}}, s.Uncovered(0, Range{0, 1000}))
	same(t, "uncovered, another partition", []Range{{90, 100}}, s.Uncovered(1, Range{90, 1000}))
	same(t, "uncovered, nothing", []Range(nil), s.Uncovered(0, Range{100, 140}))
	for ref, want := range map[FileRef]bool{{2, key}: false, {2, "other"}: true, {5, "any"}: false, {8, "any"}: true} {
		same(t, fmt.Sprint(ref), want, s.Live(ref.V, 0, ref.Key))
	}
	if !s.Live(5, 1, "any") || !s.Covers(0, Range{100, 140}) || s.Covers(0, Range{99, 101}) || s.Covers(3, Range{0, 1}) {
		t.Error("live or covers")
	}
}

func TestAuditChecksWhatTheFoldCannot(t *testing.T) {
	t.Parallel()
	a := attemptName
	two := lift(a(1), bundle(a(1), 0, 100, 110), bundle(a(1), 1, 100, 105))
	key := two.Bundles[0].Files[0].Key
	base := []Body{startsOf(2), &Commit{two}}
	short := bundle(a(2), 0, 110, 120)
	short.Files[0].Rows--
	stray := bundle(a(2), 0, 110, 120)
	stray.Files[0].Ranges = []FileRange{{0, 110, 120, 0}}
	twin := bundle(a(2), 0, 110, 120)
	twin.Files = append(twin.Files, twin.Files[0])
	twin.Files[1].Rows, twin.Files[0].Rows = 5, 5
	replaced := &Replace{Lift: lift(a(2), bundle(a(2), 0, 100, 110)), Remove: []BundleRef{{2, 0}}, Swap: ShowFirst}
	other := two.Bundles[1].Files[0].Key
	copied := func(b Bundle, from FileRef) Bundle {
		b.Files[0].CopyOf = &from
		return b
	}
	retried := bundle(a(2), 0, 100, 110)
	retried.Files[0].RetryOf = []FileRef{{2, key}, {2, other}}
	fewer := bundle(a(2), 0, 100, 110)
	fewer.Segments[0].Gaps.Dropped = 4
	fewer.Files[0].Rows = 6
	replace := func(b Bundle) *Replace {
		return &Replace{Lift: lift(a(2), b), Remove: []BundleRef{{2, 0}}, Swap: ShowFirst}
	}
	tracked := slices.Concat(base, []Body{&Complete{Incarnation: 1, Open: []string{FolderOf(key)}}})
	for name, c := range map[string]struct {
		before []Body
		body   Body
		want   string
	}{
		"a copy":                           {base, replace(copied(bundle(a(2), 0, 100, 110), FileRef{2, key})), ""},
		"a copy of what stays":             {base, replace(copied(bundle(a(2), 0, 100, 110), FileRef{2, other})), "not a file that the record removes"},
		"a copy of nothing":                {base, replace(copied(bundle(a(2), 0, 100, 110), FileRef{2, "nothing"})), "not a file that the record removes"},
		"a retry of what stays":            {base, replace(retried), "not a file that the record removes"},
		"a copy in a commit":               {base, &Commit{lift(a(2), copied(bundle(a(2), 0, 110, 120), FileRef{2, key}))}, "not a file that the record removes"},
		"replace without dropped rows":     {base, replace(fewer), ""},
		"sound":                            {base, replaced, ""},
		"rows do not add up":               {base, &Commit{lift(a(2), short)}, "9 rows and 0 offsets"},
		"range outside":                    {base, &Commit{lift(a(2), stray)}, "lies in no segment"},
		"key twice":                        {base, &Commit{lift(a(2), twin)}, "twice"},
		"attempt twice":                    {base, &Commit{lift(a(1), bundle(a(1), 0, 110, 120))}, "record 2 names attempt"},
		"repair of an attempt in the log":  {base, &Repair{Attempt: a(1), File: FileRef{2, key}}, "record 2 names attempt"},
		"drop of no file":                  {base, &Drop{Files: []FileRef{{2, "nothing"}}}, "no live file nothing"},
		"drop of a file of another record": {base, &Drop{Files: []FileRef{{1, key}}}, "no live file"},
		"drop in a replaced bundle":        {append(base, replaced), &Drop{Files: []FileRef{{2, key}}}, "no live file"},
		"repair in a replaced bundle":      {append(base, replaced), &Repair{Attempt: a(3), File: FileRef{2, key}}, "no live file"},
		"replace of no bundle":             {base, &Replace{Lift: lift(a(2), bundle(a(2), 0, 100, 110)), Remove: []BundleRef{{2, 2}}, Swap: ShowFirst}, "no live bundle 2"},
		"replace by less":                  {base, &Replace{Lift: lift(a(2), bundle(a(2), 0, 100, 109)), Remove: []BundleRef{{2, 0}}, Swap: ShowFirst}, "but adds"},
		"replace of another incarnation": {append(base, &Incarnate{Incarnation: 2, Partitions: []PartitionStart{{Start: 100}}}, &Commit{Lift{Incarnation: 2, Attempt: a(2), Bundles: []Bundle{bundle(a(2), 0, 100, 110)}}}),
			&Replace{Lift: Lift{Incarnation: 2, Attempt: a(3), Bundles: []Bundle{bundle(a(3), 0, 100, 110)}}, Remove: []BundleRef{{2, 0}}, Swap: ShowFirst}, "is of incarnation 1"},
		"begins to track folders":              {base, &Complete{Incarnation: 1, Open: []string{FolderOf(key)}}, ""},
		"begins to track folders, but for one": {base, &Complete{Incarnation: 1, Open: []string{"orders/x"}}, "leaves out that of orders/dt=2026-11-20/hr=12/"},
		"drop that reopens nothing":            {tracked, &Drop{Files: []FileRef{{2, key}}}, "does not reopen its folder"},
		"drop that reopens":                    {tracked, &Drop{Files: []FileRef{{2, key}}, Reopens: []string{FolderOf(key)}}, ""},
		"replace that reopens nothing":         {tracked, replaced, "does not reopen its folder"},
		"emptied, but not empty":               {base, &Drop{Files: []FileRef{{2, key}}, Emptied: []Range{{2, 3}}}, "empties version 2, whose file"},
		"emptied":                              {base, &Drop{Files: []FileRef{{2, key}, {2, two.Bundles[1].Files[0].Key}}, Emptied: []Range{{1, 3}}}, ""},
	} {
		audit := NewAudit()
		all := chain(slices.Concat(c.before, []Body{c.body})...)
		for _, r := range all[:len(all)-1] {
			if err := audit.Apply(r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		before := audit.State()
		err := audit.Apply(all[len(all)-1])
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) || audit.State() != before) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
