/* How every file begins: Binary.md `preamble`. */
#include "component/component.h"
#include "component/binary/decode.h"

static const char magic[4] = {'\0', 'a', 's', 'm'};

enum { PREAMBLE_SIZE = 8, LAYER_MODULE = 0, LAYER_COMPONENT = 1 };

static tn_preamble read_version(const char *bytes) {
  const uint8_t *version = (const uint8_t *)bytes;
  return (tn_preamble){
      .version = (uint16_t)(version[0] | version[1] << 8),
      .layer = (uint16_t)(version[2] | version[3] << 8),
  };
}

tn_error *tn_decode_preamble(tn_reader *in, tn_preamble *out) {
  uint32_t offset = tn_reader_offset(in);
  tn_str bytes;
  TN_TRY(tn_read_bytes(in, sizeof magic, &bytes));
  if (memcmp(bytes.data, magic, sizeof magic) != 0) {
    return tn_malformed(offset, "magic header not detected");
  }
  TN_TRY(tn_read_bytes(in, PREAMBLE_SIZE - sizeof magic, &bytes));
  *out = read_version(bytes.data);
  return NULL;
}

tn_error *tn_unknown_version(uint32_t offset, tn_preamble preamble) {
  return tn_malformed(offset + sizeof magic, "unknown binary version 0x%x of layer 0x%x",
                      preamble.version, preamble.layer);
}

/* The layer alone decides, so that a file of another version is refused as what it is. */
tn_file_kind tn_file_kind_of(tn_str bytes) {
  if (bytes.len < PREAMBLE_SIZE || memcmp(bytes.data, magic, sizeof magic) != 0) {
    return TN_FILE_UNKNOWN;
  }
  tn_preamble preamble = read_version(bytes.data + sizeof magic);
  if (preamble.layer == LAYER_MODULE) return TN_FILE_CORE_MODULE;
  return preamble.layer == LAYER_COMPONENT ? TN_FILE_COMPONENT : TN_FILE_UNKNOWN;
}
