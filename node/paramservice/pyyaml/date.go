package pyyaml

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var dateForm = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})` +
	`(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$`)

// parseDate makes a datetime.date or datetime.datetime.
func parseDate(text string) (Value, bool) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		return Value{}, false
	}
	n := func(i int) int {
		x, _ := strconv.Atoi(m[i])
		return x
	}
	year, month, day := n(1), n(2), n(3)
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1 || t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return Value{}, false
	}
	if m[4] == "" {
		return Value{Kind: Date, Text: t.Format("2006-01-02"), repr: fmt.Sprintf("datetime.date(%d, %d, %d)", year, month, day)}, true
	}
	hour, minute, second := n(4), n(5), n(6)
	micro, _ := strconv.Atoi((m[7] + "000000")[:6])
	if hour > 23 || minute > 59 || second > 59 {
		return Value{}, false
	}
	str := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", year, month, day, hour, minute, second)
	repr := fmt.Sprintf("datetime.datetime(%d, %d, %d, %d, %d", year, month, day, hour, minute)
	if second != 0 || micro != 0 {
		repr += fmt.Sprintf(", %d", second)
	}
	if micro != 0 {
		str += fmt.Sprintf(".%06d", micro)
		repr += fmt.Sprintf(", %d", micro)
	}
	if m[8] != "" {
		offset := n(10)*60 + n(11)
		if m[9] == "-" {
			offset = -offset
		}
		if offset <= -24*60 || offset >= 24*60 {
			return Value{}, false
		}
		str += zone(offset)
		repr += ", tzinfo=" + zoneRepr(offset)
	}
	return Value{Kind: Date, Text: str, repr: repr + ")"}, true
}

// zone writes minutes east of Greenwich.
func zone(offset int) string {
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("%c%02d:%02d", sign, offset/60, offset%60)
}

func zoneRepr(offset int) string {
	if offset == 0 {
		return "datetime.timezone.utc"
	}
	var parts []string
	if offset < 0 {
		parts = append(parts, "days=-1")
		offset += 24 * 60
	}
	if offset != 0 {
		parts = append(parts, fmt.Sprintf("seconds=%d", offset*60))
	}
	return "datetime.timezone(datetime.timedelta(" + strings.Join(parts, ", ") + "))"
}
