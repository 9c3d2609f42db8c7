// Package params binds declared ROS 2 parameters to the fields of a Go configuration struct.
//
// A field becomes a parameter by its tags:
//
//	param:"kl_step"        name; nested structs join with '.', an embedded one adds nothing,
//	                       "-" leaves the field out
//	desc:"..."             description, one line; required
//	unit:"nat"             SI unit
//	range:"[1e-6, 1e6]"    bounds of a number, or of each element; ( and ) exclude the bound,
//	                       inf and -inf leave a side open
//	step:"0.5"             numbers are the range's lower bound and multiples of this above it,
//	                       and the upper bound; needs a range that includes its bounds
//	choices:"a|b"          the allowed strings
//	len:"joints"           an array parameter of equal length, looked up in the same struct,
//	                       then from the top; "joints,optional" allows an empty array too
//	finite:"false"         NaN and infinities are allowed
//	path:"true"            a file or folder, or a list of them: a relative path in a parameter
//	                       file is taken from that file's folder, one on the command line
//	                       from the working folder; the value is the absolute path; "" stays, and so
//	                       does a URI, such as package://PACKAGE/FILE
//	takes:"trial"          when a change at run time takes effect: "now", "trial" (the next
//	                       trial), "start" (when the node is configured; from then on it
//	                       cannot be set), the default, or "never" (read-only)
//
// Field types are bool, int, int64, uint64 (up to the largest int64), float64, string,
// time.Duration (a double in seconds) and slices of bool, int, int64, float64 and string. The
// values in the struct when it is declared are the defaults.
//
// Set.Apply is strict and atomic: it reports every mistake with its place and changes nothing
// unless there is none. It never writes into an array that a field has, but gives the field a
// new one: a copy of the struct (c := *cfg) taken while nothing is applied stays as it is.
package params
