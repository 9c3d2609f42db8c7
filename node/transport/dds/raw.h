//go:build !rclgo

// A Cyclone DDS type whose samples are opaque CDR bytes. It serves every ROS 2
// type: none has a key, so Cyclone never needs to look inside a sample.
//
// Cyclone has no public interface for that in the 0.10 series; this uses its
// ddsi headers (ddsi_sertype.h, ddsi_serdata.h, q_radmin.h), which Debian and
// Ubuntu ship with cyclonedds-dev and which are the same from 0.10.2 to 0.10.5.
// After 0.10 names changed (q_radmin.h became ddsi_radmin.h, the nn_ prefix
// ddsi_, and and operations were added).
#ifndef TRANSPORT_DDS_RAW_H
#define TRANSPORT_DDS_RAW_H

#include <stdint.h>
#include <dds/dds.h>
#include <dds/ddsi/ddsi_serdata.h>
#include <dds/ddsi/ddsi_sertype.h>

// Why the content of a received sample was not kept.
enum raw_fault {
  RAW_OK = 0,
  RAW_MALFORMED, // shorter than the encapsulation header, or not XCDR1
  RAW_TOO_LARGE  // above the limit of the type, or of what waits together
};

// A sample: Cyclone's header (reference count, type, time stamp), then the
// bytes as on the wire, zero-padded to a multiple of 4.
struct raw_data {
  struct ddsi_serdata c;
  uint32_t fault; // enum raw_fault; size is 0 unless RAW_OK
  uint32_t size;  // bytes, encapsulation header included, padding excluded
  uint32_t large; // bytes that count towards those of large samples
  unsigned char bytes[];
};

// raw_type_new makes a type with one reference, which dds_create_topic_sertype
// takes over, or NULL without memory. Samples above max_payload bytes are
// received without their content, and so are large ones while others that nobody has come to
// are together of many times that: a reader may keep thousands.
struct ddsi_sertype *raw_type_new(const char *name, uint32_t max_payload);

// raw_publish writes a copy of payload (at least 4 bytes). The two padding bits
// of its header are set to what its length needs. type is the one that the
// writer's topic uses.
dds_return_t raw_publish(dds_entity_t writer, const struct ddsi_sertype *type, const unsigned char *payload, uint32_t size);

#endif
