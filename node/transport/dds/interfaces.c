//go:build !rclgo

// The one place that looks into the state of a Cyclone domain
// (ddsi_domaingv.h), because nothing public tells which network interfaces its
// configuration selected in the end.
#include <dds/ddsi/ddsi_domaingv.h>
#include "mailbox.h"

bool type_is_local(const struct ddsi_sertype *type) {
  const struct ddsi_domaingv *gv = ddsrt_atomic_ldvoidp(&type->gv);
  for (int i = 0; i < gv->n_interfaces; i++)
    if (!gv->interfaces[i].loopback)
      return false;
  return gv->n_interfaces > 0;
}
