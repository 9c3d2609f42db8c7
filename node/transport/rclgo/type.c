//go:build rclgo

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rcutils/error_handling.h>
#include <rosidl_typesupport_introspection_c/identifier.h>
#include <rosidl_typesupport_introspection_c/service_introspection.h>
#include "rcl.h"

typedef rosidl_typesupport_introspection_c__ServiceMembers service_members;
typedef const rosidl_message_type_support_t *(*message_support)(void);
typedef const rosidl_service_type_support_t *(*service_support)(void);

// symbol finds the function that rosidl generates for a type ("message" or "service").
static void *symbol(char **why, const char *what, const char *package, const char *kind, const char *name) {
  char text[1024];
  snprintf(text, sizeof text, "lib%s__rosidl_typesupport_c.so", package);
  void *library = dlopen(text, RTLD_LAZY);
  if (library == NULL) {
    *why = strdup(dlerror());
    return NULL;
  }
  snprintf(text, sizeof text, "rosidl_typesupport_c__get_%s_type_support_handle__%s__%s__%s", what, package, kind, name);
  void *found = dlsym(library, text);
  if (found == NULL) {
    *why = strdup(dlerror());
  }
  return found;
}

char *message_type_load(struct message_type *type, const char *package, const char *kind, const char *name) {
  char *why = NULL;
  message_support f = (message_support)symbol(&why, "message", package, kind, name);
  if (f != NULL) {
    type->support = f();
  }
  return why;
}

char *service_type_load(const rosidl_service_type_support_t **service, struct message_type *request, struct message_type *response,
  const char *package, const char *kind, const char *name) {
  char *why = NULL;
  service_support f = (service_support)symbol(&why, "service", package, kind, name);
  if (f == NULL) {
    return why;
  }
  *service = f();
  char part[512];
  snprintf(part, sizeof part, "%s_Request", name);
  why = message_type_load(request, package, kind, part);
  if (why == NULL) {
    snprintf(part, sizeof part, "%s_Response", name);
    why = message_type_load(response, package, kind, part);
  }
  if (why != NULL) {
    return why;
  }
  const rosidl_service_type_support_t *described =
    get_service_typesupport_handle(*service, rosidl_typesupport_introspection_c__identifier);
  if (described == NULL) {
    why = strdup(rcutils_error_is_set() ? rcutils_get_error_string().str : "no introspection of the type");
    rcutils_reset_error();
    return why;
  }
  const service_members *m = described->data;
  request->members = m->request_members_;
  response->members = m->response_members_;
  return NULL;
}
