package report

// Schema is the version of the JSON form.
const Schema = 1

// A Report is one page about one or more runs.
type Report struct {
	Schema  int    `json:"schema"`
	Version string `json:"infl"` // version of the program that made the runs
	Runs    []Run  `json:"runs"`
}

// A Run is a section of the page. Parts that a run does not have are nil.
type Run struct {
	Title    string    `json:"title"`
	Verdict  Verdict   `json:"verdict"`
	Queries  *Queries  `json:"queries,omitempty"`
	Whole    *Whole    `json:"whole,omitempty"`
	Suspects []Suspect `json:"suspects,omitempty"`
	Heat     *Heat     `json:"heat,omitempty"`
	Card     Card      `json:"card"`
}

// A Verdict says what was computed and whether it can be relied on.
type Verdict struct {
	Summary        string   `json:"summary"`
	Question       string   `json:"question"`
	Positive       string   `json:"positive_means"`
	Negative       string   `json:"negative_means,omitempty"`
	Checks         []Check  `json:"checks"`
	Facts          []Fact   `json:"facts"`
	Warnings       []string `json:"warnings,omitempty"`
	Approximations []string `json:"approximations,omitempty"`
	Notes          []string `json:"notes,omitempty"` // what this page leaves out, and why
}

// Failed counts the checks that failed.
func (v Verdict) Failed() int {
	n := 0
	for _, c := range v.Checks {
		if c.Result == Failed {
			n++
		}
	}
	return n
}

// A Result is the outcome of a check.
type Result string

// The results of a check.
const (
	Passed     Result = "passed"
	Failed     Result = "failed"
	NotChecked Result = "not checked"
)

// A Check is a gate by name.
type Check struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Detail string `json:"detail,omitempty"`
}

// A Fact is a name with a value.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Queries are the shown predictions with the train rows behind them.
type Queries struct {
	Rule      string    `json:"rule"`     // which queries are shown, and which train rows of each
	Total     int64     `json:"total"`    // queries of the run
	LeftOut   int       `json:"left_out"` // chosen queries that did not fit into the page
	Columns   []string  `json:"columns"`  // names of the fields
	HasLabels bool      `json:"-"`
	Trees     int       `json:"trees,omitempty"` // of the model, for Near.Trees; 0 without nearest rows
	Ends      [2]string `json:"-"`               // what the first train row on either side is called
	List      []Query   `json:"list"`
}

// A Query is a shown prediction.
type Query struct {
	Key        string   `json:"key"`
	Row        int64    `json:"row"`
	Label      string   `json:"label,omitempty"`
	Prediction string   `json:"prediction,omitempty"`
	Loss       *Number  `json:"loss,omitempty"`
	Group      string   `json:"group,omitempty"`
	Fields     []Cell   `json:"fields,omitempty"`
	Answers    []Answer `json:"answers"` // one, or one for each output
	Nearest    []Near   `json:"nearest,omitempty"`
}

// A Near is a train row that the model treats much like the query.
type Near struct {
	Key    string `json:"key"`
	Row    int64  `json:"row"`
	Trees  int    `json:"trees"` // in which both share a leaf
	Label  string `json:"label,omitempty"`
	Fields []Cell `json:"fields,omitempty"`
}

// An Answer holds the top train rows of a query, of one output, module or damping where
// the run has several.
type Answer struct {
	Output  string  `json:"output,omitempty"`
	Module  string  `json:"module,omitempty"`
	Damping string  `json:"damping,omitempty"`
	Sides   [2]Side `json:"sides"` // helpful, harmful; or what the method has instead
}

// About names the output, the module or the damping; "" for the whole.
func (a Answer) About() string {
	switch {
	case a.Damping != "":
		return "damping " + a.Damping
	case a.Module != "":
		return "module " + a.Module
	case a.Output != "":
		return "output " + a.Output
	}
	return ""
}

// A Side is one end of the scores of a query.
type Side struct {
	Name  string     `json:"name"`
	Means string     `json:"means"`
	Kept  int        `json:"kept"`  // train rows in the run's list
	Share Number     `json:"share"` // of the list in the absolute score that the rule of Queries names
	Rows  []TrainRow `json:"rows"`
}

// A TrainRow is a train row in a list.
type TrainRow struct {
	Rank   int32  `json:"rank"`
	Key    string `json:"key"`
	Row    int64  `json:"row"`
	Score  Number `json:"score"`
	Share  Number `json:"share"` // |score| over the absolute score in both lists of the query
	Label  string `json:"label,omitempty"`
	Fields []Cell `json:"fields,omitempty"`
}

// Whole is about all train rows at once.
type Whole struct {
	What          string        `json:"what"`   // whose numbers these are
	Number        string        `json:"number"` // their name: "mean score", "self-influence"
	Histogram     Histogram     `json:"histogram"`
	Concentration Concentration `json:"concentration"`
	Groups        *Groups       `json:"groups,omitempty"`
}

// Groups is the table of train rows by group.
type Groups struct {
	By   string  `json:"by"`
	Rows []Group `json:"rows"`
}

// A Group is a line of the table by group.
type Group struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	RowShare Number `json:"row_share"`
	Net      Number `json:"net"`       // sum of the rows' numbers
	Share    Number `json:"abs_share"` // of the absolute score
}

// A Suspect is a table of train rows that deserve a look.
type Suspect struct {
	Title    string       `json:"title"`
	Rule     string       `json:"rule"` // how they were found and ordered
	Evidence []string     `json:"evidence"`
	Columns  []string     `json:"columns,omitempty"` // names of the fields
	Rows     []SuspectRow `json:"rows"`
	Found    int          `json:"found"` // rows, or sets of rows, that meet the rule, shown or not
	File     string       `json:"file"`  // name of the CSV with all of them
	Keys     [][]string   `json:"-"`     // lines of that CSV, the names of its columns first
}

// A SuspectRow is a train row with what speaks against it, one value for each
// column of evidence.
type SuspectRow struct {
	Key      string     `json:"key"`
	Row      int64      `json:"row"`
	Label    string     `json:"label,omitempty"`
	Evidence []Evidence `json:"evidence"`
	Fields   []Cell     `json:"fields,omitempty"`
}

// Evidence is a text, with the number that sorts it where it is one.
type Evidence struct {
	Text string  `json:"text"`
	Sort *Number `json:"value,omitempty"`
}

// Measured returns the evidence of a number.
func Measured(v float64) Evidence {
	n := Number(v)
	return Evidence{n.String(), &n}
}

// Exact is the number with all its digits where the evidence is one, else the text.
func (e Evidence) Exact() string {
	if e.Sort != nil {
		return e.Sort.exact()
	}
	return e.Text
}

// Counted returns the evidence of a count.
func Counted(n int64) Evidence {
	v := Number(n)
	return Evidence{Count(n), &v}
}

// Heat is a map of query groups (down) by train groups (across).
type Heat struct {
	Down    string     `json:"down"`
	Across  string     `json:"across"`
	Rule    string     `json:"rule"`
	Rows    []string   `json:"rows"`
	Columns []string   `json:"columns"`
	Cells   [][]Number `json:"cells"` // NaN where no pair was kept

	Fields []string      `json:"field_names,omitempty"` // of the fields of Tops
	Tops   [][][]HeatRow `json:"tops,omitempty"`        // by cell: the train rows that do most, the largest effect first
}

// Labelled reports whether the train rows of cells have labels.
func (h Heat) Labelled() bool {
	for _, row := range h.Tops {
		for _, cell := range row {
			for _, r := range cell {
				return r.Label != ""
			}
		}
	}
	return false
}

// A HeatRow is a train row of a cell of the heat map.
type HeatRow struct {
	Key    string `json:"key"`
	Row    int64  `json:"row"`
	Label  string `json:"label,omitempty"`
	Score  Number `json:"score"` // per query of the cell's group
	Fields []Cell `json:"fields,omitempty"`
}

// A Card says where the numbers come from and how to get them again.
type Card struct {
	Replay string   `json:"replay"`
	Inputs []Input  `json:"inputs"`
	Facts  []Fact   `json:"facts"`
	Files  []Input  `json:"files"` // results that lie beside the page
	Limits []string `json:"limits"`
}

// An Input is a file that the run has read.
type Input struct {
	Role  string `json:"role"`
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	XXH3  string `json:"xxh3"` // of its blocks, joined by blanks
}
