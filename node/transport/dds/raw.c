//go:build !rclgo

#include "raw.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dds/ddsi/q_radmin.h>

// The lowest two bits of the fourth header byte count the padding bytes at the
// end (DDS-XTypes 1.3, 7.6.3.1.2).
#define HEADER 4u
#define PAD_BYTE 3
#define PAD_MASK 3u

struct raw_type {
  struct ddsi_sertype c;
  uint32_t max_payload;
};

static uint32_t align4(uint32_t n) { return (n + 3u) & ~3u; }

static struct raw_data *data_new(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind, uint32_t size) {
  struct raw_data *d = malloc(sizeof(*d) + align4(size));
  if (d == NULL)
    return NULL;
  ddsi_serdata_init(&d->c, type, kind); // one reference, hash 0, no time stamp
  d->fault = RAW_OK;
  d->size = size;
  d->large = 0;
  memset(d->bytes + size, 0, align4(size) - size);
  return d;
}

// check takes the padding away that the header declares, and marks what is not
// plain CDR.
static void check(struct raw_data *d) {
  if (d->c.kind != SDK_DATA)
    return;
  if (d->size < HEADER || d->bytes[0] != 0 || d->bytes[1] > 1) {
    d->fault = RAW_MALFORMED;
    d->size = 0;
    return;
  }
  uint32_t pad = d->bytes[PAD_BYTE] & PAD_MASK;
  if (pad > d->size - HEADER) {
    d->fault = RAW_MALFORMED;
    d->size = 0;
    return;
  }
  d->size -= pad;
}

// Samples above LARGE bytes that were received and not given back yet are together of at most
// LARGEST_FEW times their type's limit, or ALWAYS bytes if that is more. So a flood of large
// messages on any topic takes bounded memory, and nothing from the small ones.
enum { LARGE = 64 << 10, LARGEST_FEW = 4, ALWAYS = 16 << 20 };
static atomic_uint_least64_t large_bytes; // of the process, as its memory is

static bool reserve(uint32_t size, uint32_t max_payload) {
  uint64_t most = (uint64_t)LARGEST_FEW * max_payload;
  if (most < ALWAYS)
    most = ALWAYS;
  if (atomic_fetch_add(&large_bytes, size) + size <= most)
    return true;
  atomic_fetch_sub(&large_bytes, size);
  return false;
}

// received makes an empty sample for network data of the given size, and says
// whether its content is to be copied into it.
static struct raw_data *received(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind, size_t size, bool *fill) {
  const struct raw_type *t = (const struct raw_type *)type;
  *fill = kind == SDK_DATA && size <= t->max_payload;
  uint32_t large = *fill && size > LARGE ? (uint32_t)size : 0;
  if (large > 0 && !reserve(large, t->max_payload)) {
    *fill = false;
    large = 0;
  }
  struct raw_data *d = data_new(type, kind, *fill ? (uint32_t)size : 0);
  if (d == NULL) {
    atomic_fetch_sub(&large_bytes, large);
    return NULL;
  }
  d->large = large;
  if (kind == SDK_DATA && !*fill)
    d->fault = RAW_TOO_LARGE;
  return d;
}

// --- operations of a sample ---

static bool data_eqkey(const struct ddsi_serdata *a, const struct ddsi_serdata *b) {
  (void)a, (void)b;
  return true; // no key: all samples belong to one instance
}

static uint32_t data_size(const struct ddsi_serdata *dc) {
  return align4(((const struct raw_data *)dc)->size);
}

static void data_free(struct ddsi_serdata *dc) {
  uint32_t large = ((const struct raw_data *)dc)->large;
  if (large > 0)
    atomic_fetch_sub(&large_bytes, large);
  free(dc);
}

// data_from_ser reads nn_rdata (q_radmin.h): the chain of fragments of one
// sample, min and maxp1 being the byte range each covers.
static struct ddsi_serdata *data_from_ser(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind, const struct nn_rdata *frag, size_t size) {
  bool fill;
  struct raw_data *d = received(type, kind, size, &fill);
  if (d == NULL || !fill)
    return d == NULL ? NULL : &d->c;
  // Fragments come in order of their start and may overlap.
  uint32_t off = 0;
  for (; frag != NULL; frag = frag->nextfrag) {
    if (frag->maxp1 <= off)
      continue;
    if (frag->min > off || frag->maxp1 > size)
      break;
    const unsigned char *payload = NN_RMSG_PAYLOADOFF(frag->rmsg, NN_RDATA_PAYLOAD_OFF(frag));
    memcpy(d->bytes + off, payload + (off - frag->min), frag->maxp1 - off);
    off = frag->maxp1;
  }
  if (off != size) {
    d->fault = RAW_MALFORMED;
    d->size = 0;
    return &d->c;
  }
  check(d);
  return &d->c;
}

static struct ddsi_serdata *data_from_ser_iov(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind, ddsrt_msg_iovlen_t niov, const ddsrt_iovec_t *iov, size_t size) {
  bool fill;
  struct raw_data *d = received(type, kind, size, &fill);
  if (d == NULL || !fill)
    return d == NULL ? NULL : &d->c;
  size_t off = 0;
  for (ddsrt_msg_iovlen_t i = 0; i < niov && off < size; i++) {
    size_t n = iov[i].iov_len < size - off ? iov[i].iov_len : size - off;
    memcpy(d->bytes + off, iov[i].iov_base, n);
    off += n;
  }
  memset(d->bytes + off, 0, size - off);
  check(d);
  return &d->c;
}

static struct ddsi_serdata *data_from_keyhash(const struct ddsi_sertype *type, const ddsi_keyhash_t *keyhash) {
  (void)keyhash;
  struct raw_data *d = data_new(type, SDK_KEY, 0);
  return d == NULL ? NULL : &d->c;
}

static struct ddsi_serdata *data_from_sample(const struct ddsi_sertype *type, enum ddsi_serdata_kind kind, const void *sample) {
  (void)type, (void)kind, (void)sample;
  return NULL; // dds_write is not used, dds_writecdr is
}

static void data_to_ser(const struct ddsi_serdata *dc, size_t off, size_t size, void *buf) {
  memcpy(buf, ((const struct raw_data *)dc)->bytes + off, size);
}

static struct ddsi_serdata *data_to_ser_ref(const struct ddsi_serdata *dc, size_t off, size_t size, ddsrt_iovec_t *ref) {
  ref->iov_base = (void *)(((const struct raw_data *)dc)->bytes + off);
  ref->iov_len = (ddsrt_iov_len_t)size;
  return ddsi_serdata_ref(dc);
}

static void data_to_ser_unref(struct ddsi_serdata *dc, const ddsrt_iovec_t *ref) {
  (void)ref;
  ddsi_serdata_unref(dc);
}

static bool data_to_sample(const struct ddsi_serdata *dc, void *sample, void **bufptr, void *buflim) {
  (void)dc, (void)sample, (void)bufptr, (void)buflim;
  return false; // dds_take is not used, dds_takecdr is
}

static struct ddsi_serdata *data_to_untyped(const struct ddsi_serdata *dc) {
  struct raw_data *d = data_new(dc->type, SDK_KEY, 0);
  if (d == NULL)
    return NULL;
  d->c.type = NULL;
  return &d->c;
}

static bool data_untyped_to_sample(const struct ddsi_sertype *type, const struct ddsi_serdata *dc, void *sample, void **bufptr, void *buflim) {
  (void)type, (void)dc, (void)sample, (void)bufptr, (void)buflim;
  return true;
}

static size_t data_print(const struct ddsi_sertype *type, const struct ddsi_serdata *dc, char *buf, size_t size) {
  (void)type;
  return (size_t)snprintf(buf, size, "(%u bytes)", (unsigned)((const struct raw_data *)dc)->size);
}

static void data_get_keyhash(const struct ddsi_serdata *dc, struct ddsi_keyhash *buf, bool force_md5) {
  (void)dc, (void)force_md5;
  memset(buf, 0, sizeof(*buf));
}

static const struct ddsi_serdata_ops data_ops = {
  .eqkey = data_eqkey,
  .get_size = data_size,
  .from_ser = data_from_ser,
  .from_ser_iov = data_from_ser_iov,
  .from_keyhash = data_from_keyhash,
  .from_sample = data_from_sample,
  .to_ser = data_to_ser,
  .to_ser_ref = data_to_ser_ref,
  .to_ser_unref = data_to_ser_unref,
  .to_sample = data_to_sample,
  .to_untyped = data_to_untyped,
  .untyped_to_sample = data_untyped_to_sample,
  .free = data_free,
  .print = data_print,
  .get_keyhash = data_get_keyhash,
};

// --- operations of the type ---

static void type_free(struct ddsi_sertype *t) {
  ddsi_sertype_fini(t);
  free(t);
}

static void type_zero_samples(const struct ddsi_sertype *t, void *samples, size_t count) {
  (void)t, (void)samples, (void)count;
}

static void type_realloc_samples(void **ptrs, const struct ddsi_sertype *t, void *old, size_t oldcount, size_t count) {
  (void)t, (void)old, (void)oldcount;
  for (size_t i = 0; i < count; i++)
    ptrs[i] = NULL; // samples have no deserialized form
}

static void type_free_samples(const struct ddsi_sertype *t, void **ptrs, size_t count, dds_free_op_t op) {
  (void)t, (void)ptrs, (void)count, (void)op;
}

static bool type_equal(const struct ddsi_sertype *a, const struct ddsi_sertype *b) {
  return ((const struct raw_type *)a)->max_payload == ((const struct raw_type *)b)->max_payload;
}

static uint32_t type_hash(const struct ddsi_sertype *t) {
  return ((const struct raw_type *)t)->max_payload;
}

// get_serialized_size and serialize_into stay NULL, by which Cyclone knows that
// the type cannot go through iceoryx shared memory, even if it is configured.
static const struct ddsi_sertype_ops type_ops = {
  .version = ddsi_sertype_v0,
  .free = type_free,
  .zero_samples = type_zero_samples,
  .realloc_samples = type_realloc_samples,
  .free_samples = type_free_samples,
  .equal = type_equal,
  .hash = type_hash,
};

struct ddsi_sertype *raw_type_new(const char *name, uint32_t max_payload) {
  struct raw_type *t = calloc(1, sizeof(*t));
  if (t == NULL)
    return NULL;
  ddsi_sertype_init_flags(&t->c, name, &type_ops, &data_ops, DDSI_SERTYPE_FLAG_TOPICKIND_NO_KEY);
  t->c.allowed_data_representation = DDS_DATA_REPRESENTATION_FLAG_XCDR1;
  t->max_payload = align4(max_payload);
  return &t->c;
}

dds_return_t raw_publish(dds_entity_t writer, const struct ddsi_sertype *type, const unsigned char *payload, uint32_t size) {
  struct raw_data *d = data_new(type, SDK_DATA, size);
  if (d == NULL)
    return DDS_RETCODE_OUT_OF_RESOURCES;
  memcpy(d->bytes, payload, size);
  d->bytes[PAD_BYTE] = (unsigned char)((d->bytes[PAD_BYTE] & ~PAD_MASK) | (align4(size) - size));
  dds_return_t rc = dds_writecdr(writer, &d->c);
  switch (rc) {
    case DDS_RETCODE_BAD_PARAMETER:
    case DDS_RETCODE_ALREADY_DELETED:
    case DDS_RETCODE_ILLEGAL_OPERATION:
      ddsi_serdata_unref(&d->c); // refused before the sample was looked at
      break;
    default:
      break; // dds_writecdr took over the reference, also when it failed
  }
  return rc;
}
