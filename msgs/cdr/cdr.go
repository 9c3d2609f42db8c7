// Package cdr writes and reads plain CDR version 1 (XCDR1, OMG DDS-XTypes 1.3,
// clause 7.4.3; CORBA 3.4 part 2, clause 9.3), the form of ROS 2 messages on the
// wire and in bags.
//
// A payload is a header of four bytes and a body:
//
//	00 01 xx xx   body in little endian (what Encoder writes, with options 00 00)
//	00 00 xx xx   body in big endian (read only)
//
// Numbers of n bytes are aligned to n bytes, counted from the start of the body.
// A string is a uint32 length that counts the final zero byte, the bytes, and that
// zero byte. A sequence is a uint32 count and the elements; an array is the elements
// alone. A message without fields is one byte. Options, padding bytes and what follows
// the last field are not looked at.
package cdr

// HeaderSize is the number of bytes before the body.
const HeaderSize = 4

// MinString is the minimal size of a string on the wire in bytes: a length of zero is read as the empty string.
const MinString = 4
