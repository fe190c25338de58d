package lightgbm

import (
	"strconv"
	"strings"
)

// A featureInfo is what feature_infos tells of a feature.
type featureInfo struct {
	kind    infoKind
	entries int   // categorical: number of bins, LightGBM's measure against max_cat_to_onehot
	maxCode int64 // categorical: largest category code seen in training
}

type infoKind uint8

const (
	unusedInfo      infoKind = iota // "none": constant in training, so of either kind
	numericInfo                     // "[min:max]"
	categoricalInfo                 // "a:b:c", the category codes
)

func parseInfo(text string) (featureInfo, error) {
	switch {
	case text == "none":
		return featureInfo{}, nil
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		return featureInfo{kind: numericInfo}, nil
	}
	info := featureInfo{kind: categoricalInfo, maxCode: -1}
	for rest, more := text, true; more; {
		var code string
		code, rest, more = strings.Cut(rest, ":")
		v, err := parseInt([]byte(code))
		if err != nil {
			return featureInfo{}, err
		}
		info.entries++
		info.maxCode = max(info.maxCode, v)
	}
	return info, nil
}

// isGenerated reports whether name is the one that LightGBM makes up for
// feature i.
func isGenerated(name string, i int) bool {
	number, ok := strings.CutPrefix(name, "Column_")
	return ok && number == strconv.Itoa(i)
}
