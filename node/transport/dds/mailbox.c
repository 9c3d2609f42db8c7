//go:build !rclgo

#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <dds/ddsrt/heap.h>
#include <dds/features.h>
#include "endpoint.h"

enum { SAW_DATA = 1, SAW_STATUS = 2 };

struct mailbox {
  pthread_mutex_t lock;
  sem_t wake; // posted once for each time that the reader waits
  bool waiting, shut;
  struct endpoint *first, *last; // endpoints with something to collect
  struct event event;        // the latest; only mailbox_wait uses it and held
  struct ddsi_serdata *held; // the sample that event points into
  // A sample that waits for the news of its connection, with no event between
  struct event later;
  struct ddsi_serdata *later_held;
};

struct mailbox *mailbox_new(void) {
  struct mailbox *m = ddsrt_calloc(1, sizeof(*m)); // ends the program without memory
  pthread_mutex_init(&m->lock, NULL);
  sem_init(&m->wake, 0, 0);
  return m;
}

// give_back ends the latest event, and returns whether there is one that was put off.
static bool give_back(struct mailbox *m) {
  if (m->held != NULL)
    ddsi_serdata_unref(m->held);
  m->held = m->later_held;
  m->later_held = NULL;
  m->event = m->later;
  return m->held != NULL;
}

// unlock releases the lock and then wakes the reader, which so does not wait for the lock. A
// condition variable instead of the semaphore costs the woken one a system call: it takes the
// lock as one that others wait for.
static void unlock_and_wake(struct mailbox *m) {
  bool waiting = m->waiting;
  m->waiting = false;
  pthread_mutex_unlock(&m->lock);
  if (waiting)
    sem_post(&m->wake);
}

// wait_for_wake needs the lock, and has it again when it returns.
static void wait_for_wake(struct mailbox *m) {
  m->waiting = true;
  pthread_mutex_unlock(&m->lock);
  while (sem_wait(&m->wake) != 0 && errno == EINTR)
    ;
  pthread_mutex_lock(&m->lock);
}

void mailbox_shut(struct mailbox *m) {
  pthread_mutex_lock(&m->lock);
  m->shut = true;
  unlock_and_wake(m);
}

void mailbox_free(struct mailbox *m) {
  while (give_back(m))
    ;
  sem_destroy(&m->wake);
  pthread_mutex_destroy(&m->lock);
  ddsrt_free(m);
}

// enqueue needs the lock.
static void enqueue(struct endpoint *e, uint32_t seen) {
  struct mailbox *m = e->box;
  e->seen |= seen;
  if (e->queued)
    return;
  e->queued = true;
  e->next = NULL;
  e->prev = m->last;
  if (m->last != NULL)
    m->last->next = e;
  else
    m->first = e;
  m->last = e;
}

// dequeue needs the lock.
static void dequeue(struct endpoint *e) {
  struct mailbox *m = e->box;
  if (!e->queued)
    return;
  e->queued = false;
  *(e->prev != NULL ? &e->prev->next : &m->first) = e->next;
  *(e->next != NULL ? &e->next->prev : &m->last) = e->prev;
}

// release needs the lock.
static void release(struct endpoint *e) {
  if (--e->refs == 0)
    ddsrt_free(e);
}

static void mark(struct endpoint *e, uint32_t seen) {
  struct mailbox *m = e->box; // outlives its endpoints, and they their listeners
  pthread_mutex_lock(&m->lock);
  enqueue(e, seen);
  unlock_and_wake(m);
}

static void on_data(dds_entity_t x, void *arg) { (void)x, mark(arg, SAW_DATA); }

// The other listeners differ in a status that is asked for when it is collected.
#define ON_STATUS(name, type) \
  static void name(dds_entity_t x, const type s, void *arg) { (void)x, (void)s, mark(arg, SAW_STATUS); }
ON_STATUS(on_sub_match, dds_subscription_matched_status_t)
ON_STATUS(on_sub_qos, dds_requested_incompatible_qos_status_t)
ON_STATUS(on_sub_deadline, dds_requested_deadline_missed_status_t)
ON_STATUS(on_sub_liveliness, dds_liveliness_changed_status_t)
ON_STATUS(on_sub_lost, dds_sample_lost_status_t)
ON_STATUS(on_pub_match, dds_publication_matched_status_t)
ON_STATUS(on_pub_qos, dds_offered_incompatible_qos_status_t)
ON_STATUS(on_pub_deadline, dds_offered_deadline_missed_status_t)
ON_STATUS(on_pub_liveliness, dds_liveliness_lost_status_t)

// collect_status fills ev with the state of e's connections. It fails if e was closed
// meanwhile.
static bool collect_status(struct event *ev, const struct endpoint *e) {
  *ev = (struct event){.endpoint = e->id, .kind = EVENT_STATUS};
  if (e->reader) {
    dds_subscription_matched_status_t s;
    dds_requested_incompatible_qos_status_t q;
    dds_requested_deadline_missed_status_t d;
    dds_liveliness_changed_status_t l;
    dds_sample_lost_status_t lost;
    if (dds_get_subscription_matched_status(e->entity, &s) != DDS_RETCODE_OK ||
        dds_get_requested_incompatible_qos_status(e->entity, &q) != DDS_RETCODE_OK ||
        dds_get_requested_deadline_missed_status(e->entity, &d) != DDS_RETCODE_OK ||
        dds_get_liveliness_changed_status(e->entity, &l) != DDS_RETCODE_OK ||
        dds_get_sample_lost_status(e->entity, &lost) != DDS_RETCODE_OK)
      return false;
    ev->matched = s.current_count;
    ev->incompatible = q.total_count;
    ev->policy = q.last_policy_id;
    ev->deadlines_missed = d.total_count;
    ev->not_alive = l.not_alive_count;
    ev->lost = lost.total_count;
  } else {
    dds_publication_matched_status_t s;
    dds_offered_incompatible_qos_status_t q;
    dds_offered_deadline_missed_status_t d;
    dds_liveliness_lost_status_t l;
    if (dds_get_publication_matched_status(e->entity, &s) != DDS_RETCODE_OK ||
        dds_get_offered_incompatible_qos_status(e->entity, &q) != DDS_RETCODE_OK ||
        dds_get_offered_deadline_missed_status(e->entity, &d) != DDS_RETCODE_OK ||
        dds_get_liveliness_lost_status(e->entity, &l) != DDS_RETCODE_OK)
      return false;
    ev->matched = s.current_count;
    ev->incompatible = q.total_count;
    ev->policy = q.last_policy_id;
    ev->deadlines_missed = d.total_count;
    ev->liveliness_lost = l.total_count;
  }
  return true;
}

enum taken { NOTHING, SKIPPED, SAMPLE };

static enum taken collect_data(struct mailbox *m, const struct endpoint *e) {
  struct ddsi_serdata *sample;
  dds_sample_info_t info;
  if (dds_takecdr(e->entity, &sample, 1, &info, DDS_ANY_STATE) != 1)
    return NOTHING;
  if (!info.valid_data) { // a writer that went away
    ddsi_serdata_unref(sample);
    return SKIPPED;
  }
  // Every sample of this reader is of our type: Cyclone converts others.
  const struct raw_data *d = (const struct raw_data *)sample;
  m->event = (struct event){
    .endpoint = e->id, .kind = EVENT_DATA, .fault = d->fault, .size = d->size, .payload = d->bytes,
    .source_time = info.source_timestamp, .publisher = info.publication_handle};
  m->held = sample;
  return SAMPLE;
}

// collect_change empties a watched reader.
static bool collect_change(struct mailbox *m, const struct endpoint *e) {
  bool changed = false;
  dds_return_t n;
  do {
    void *samples[16] = {NULL};
    dds_sample_info_t infos[16];
    n = dds_take(e->entity, samples, infos, 16, 16);
    if (n > 0) {
      changed = true;
      dds_return_loan(e->entity, samples, n);
    }
  } while (n > 0);
  m->event = (struct event){.endpoint = e->id, .kind = EVENT_CHANGE};
  return changed;
}

// collect makes the next event of e into m->event, if there is one, and returns
// what is left to look at. A new connection is told before its samples, a lost
// one after those that the cache can hold of it.
static uint32_t collect(struct mailbox *m, struct endpoint *e, uint32_t seen, bool *found) {
  if (e->watch) {
    *found = collect_change(m, e);
    return 0;
  }
  struct event status;
  bool tell = (seen & SAW_STATUS) && collect_status(&status, e);
  if (!tell || (status.matched < e->matched && e->put_off < e->depth)) {
    enum taken t = e->reader && (seen & SAW_DATA) ? collect_data(m, e) : NOTHING;
    *found = t == SAMPLE;
    if (t != NOTHING) {
      e->put_off += tell;
      return seen;
    }
    seen &= ~(uint32_t)SAW_DATA;
  }
  if (tell) {
    m->event = status;
    e->matched = status.matched;
    e->put_off = 0;
    *found = true;
  }
  return seen & ~(uint32_t)SAW_STATUS;
}

// tell_first puts the sample of the latest event off and makes the status of e the event, unless
// e has lost connections: then the sample may be of one of them.
static uint32_t tell_first(struct mailbox *m, struct endpoint *e) {
  struct event status;
  if (!collect_status(&status, e))
    return 0;
  if (status.matched < e->matched)
    return SAW_STATUS;
  m->later = m->event;
  m->later_held = m->held;
  m->held = NULL;
  m->event = status;
  e->matched = status.matched;
  e->put_off = 0;
  return 0;
}

const struct event *mailbox_wait(struct mailbox *m) {
  if (give_back(m))
    return &m->event;
  bool found = false;
  pthread_mutex_lock(&m->lock);
  while (!found) {
    while (m->first == NULL && !m->shut)
      wait_for_wake(m);
    if (m->shut)
      break;
    struct endpoint *e = m->first;
    dequeue(e);
    e->refs++;
    uint32_t seen = e->seen;
    e->seen = 0;
    pthread_mutex_unlock(&m->lock);
    uint32_t left = collect(m, e, seen, &found);
    pthread_mutex_lock(&m->lock);
    if (m->held != NULL && (e->seen & SAW_STATUS) != 0) {
      // The connection came after seen was read, and the sample may be of it.
      e->seen &= ~(uint32_t)SAW_STATUS;
      pthread_mutex_unlock(&m->lock);
      left |= tell_first(m, e);
      pthread_mutex_lock(&m->lock);
    }
    if (left != 0 && e->refs > 1)
      enqueue(e, left);
    release(e);
  }
  pthread_mutex_unlock(&m->lock);
  return found ? &m->event : NULL;
}

static dds_qos_t *qos_of(const struct endpoint_config *c) {
  dds_qos_t *q = dds_create_qos();
  dds_qset_writer_data_lifecycle(q, false);
  dds_qset_history(q, DDS_HISTORY_KEEP_LAST, c->depth);
  dds_qset_reliability(q, c->reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT, c->reliable ? c->max_blocking : 0);
  dds_qset_durability(q, c->transient_local ? DDS_DURABILITY_TRANSIENT_LOCAL : DDS_DURABILITY_VOLATILE);
  if (c->transient_local) // what Cyclone keeps for late joiners is set apart from the history
    dds_qset_durability_service(q, 0, DDS_HISTORY_KEEP_LAST, c->depth, DDS_LENGTH_UNLIMITED, DDS_LENGTH_UNLIMITED, DDS_LENGTH_UNLIMITED);
  dds_qset_deadline(q, c->deadline);
  dds_qset_lifespan(q, c->lifespan);
  dds_qset_liveliness(q, c->manual_liveliness ? DDS_LIVELINESS_MANUAL_BY_TOPIC : DDS_LIVELINESS_AUTOMATIC, c->liveliness);
  if (c->ignore_own)
    dds_qset_ignorelocal(q, DDS_IGNORELOCAL_PARTICIPANT);
  if (c->user_data[0] != '\0')
    dds_qset_userdata(q, c->user_data, strlen(c->user_data));
  return q;
}

static dds_return_t listen_to(struct endpoint *e) {
  dds_listener_t *l = dds_create_listener(e);
  if (e->reader)
    dds_lset_data_available(l, on_data);
  if (e->reader && !e->watch) {
    dds_lset_subscription_matched(l, on_sub_match);
    dds_lset_requested_incompatible_qos(l, on_sub_qos);
    dds_lset_requested_deadline_missed(l, on_sub_deadline);
    dds_lset_liveliness_changed(l, on_sub_liveliness);
    dds_lset_sample_lost(l, on_sub_lost);
  }
  if (!e->reader) {
    dds_lset_publication_matched(l, on_pub_match);
    dds_lset_offered_incompatible_qos(l, on_pub_qos);
    dds_lset_offered_deadline_missed(l, on_pub_deadline);
    dds_lset_liveliness_lost(l, on_pub_liveliness);
  }
  dds_return_t rc = dds_set_listener(e->entity, l);
  dds_delete_listener(l);
  return rc;
}

dds_return_t endpoint_watch(struct mailbox *m, dds_entity_t reader, uint64_t id, struct endpoint **out) {
  struct endpoint *e = ddsrt_calloc(1, sizeof(*e));
  *e = (struct endpoint){.box = m, .id = id, .reader = true, .watch = true, .entity = reader, .refs = 1};
  dds_return_t rc = listen_to(e);
  if (rc != DDS_RETCODE_OK) {
    dds_delete(reader);
    ddsrt_free(e);
    return rc;
  }
  *out = e;
  mark(e, SAW_DATA); // what happened before the listener was there
  return DDS_RETCODE_OK;
}

dds_return_t endpoint_open(struct mailbox *m, dds_entity_t participant, const struct endpoint_config *c, struct endpoint **out, unsigned char guid[16]) {
  struct ddsi_sertype *type = raw_type_new(c->type, c->max_payload);
  if (type == NULL)
    return DDS_RETCODE_OUT_OF_RESOURCES;
  // On success type becomes the one in use, which may be an older equal one.
  dds_entity_t topic = dds_create_topic_sertype(participant, c->topic, &type, NULL, NULL, NULL);
  if (topic < 0) {
    ddsi_sertype_unref(type);
    return topic;
  }
  dds_qos_t *q = qos_of(c);
  dds_entity_t entity = c->reader ? dds_create_reader(participant, topic, q, NULL) : dds_create_writer(participant, topic, q, NULL);
  dds_delete_qos(q);
  dds_delete(topic); // the reader or writer keeps it
  if (entity < 0)
    return entity;
  struct endpoint *e = ddsrt_calloc(1, sizeof(*e));
  dds_guid_t id;
  dds_return_t rc = dds_get_guid(entity, &id);
  if (rc == DDS_RETCODE_OK) {
    *e = (struct endpoint){.box = m, .id = c->id, .reader = c->reader, .entity = entity, .type = type, .depth = (uint32_t)c->depth, .refs = 1};
    rc = listen_to(e);
  }
  if (rc != DDS_RETCODE_OK) {
    dds_delete(entity);
    ddsrt_free(e);
    return rc;
  }
  memcpy(guid, id.v, 16);
  *out = e;
  mark(e, SAW_STATUS | SAW_DATA); // what happened before the listener was there
  return DDS_RETCODE_OK;
}

void endpoint_close(struct endpoint *e) {
  struct mailbox *m = e->box;
  dds_delete(e->entity); // waits for running listeners
  pthread_mutex_lock(&m->lock);
  dequeue(e);
  release(e);
  pthread_mutex_unlock(&m->lock);
}

dds_return_t endpoint_publish(struct endpoint *e, const unsigned char *payload, uint32_t size) {
  return raw_publish(e->entity, e->type, payload, size);
}

bool endpoint_is_local(const struct endpoint *e) { return type_is_local(e->type); }

dds_entity_t participant_open(uint32_t domain, const char *user_data, const struct property *properties, size_t n, unsigned char guid[16]) {
  dds_qos_t *q = dds_create_qos();
  dds_qset_userdata(q, user_data, strlen(user_data));
  for (size_t i = 0; i < n; i++)
    dds_qset_prop(q, properties[i].name, properties[i].value);
  dds_entity_t p = dds_create_participant(domain, q, NULL);
  dds_delete_qos(q);
  if (p < 0)
    return p;
  dds_guid_t id;
  dds_return_t rc = dds_get_guid(p, &id);
  if (rc != DDS_RETCODE_OK) {
    dds_delete(p);
    return rc;
  }
  memcpy(guid, id.v, 16);
  return p;
}

bool security_is_built_in(void) {
#ifdef DDS_HAS_SECURITY
  return true;
#else
  return false;
#endif
}
