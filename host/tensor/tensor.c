/* tensor.c - shapes, views, and the change between the engine's layout and that of files.
 *
 * A tensor is a value: buffer, offset, count.  It owns nothing, so views and copies of it are free.
 * Files are NCHW; the engine is CHWN (engine layout: include/clnas/tensor.h), which is the
 * transpose of a matrix of batch rows and channel·height·width columns. */
#include <clnas/tensor.h>

#include <assert.h>
#include <string.h>

uint64_t nas_shape_count(nas_shape shape)
{
    return (uint64_t)shape.c * (uint64_t)shape.h * (uint64_t)shape.w;
}

int nas_batch_padded(int batch)
{
    return (batch + NAS_BATCH_MULTIPLE - 1) / NAS_BATCH_MULTIPLE * NAS_BATCH_MULTIPLE;
}

int nas_batch_shards(const nas_device *device, int batch)
{
    const int n = nas_batch_padded(batch);
    int shards = 1, least = NAS_BATCH_MULTIPLE;
    while (nas_device_describe(device)->on_host && shards < NAS_SHARDS &&
           n % (2 * shards * NAS_BATCH_MULTIPLE) == 0 && n / (2 * shards) >= least) {
        shards *= 2;
        least = NAS_SHARD_SAMPLES;
    }
    return shards;
}

nas_tensor nas_tensor_view(nas_tensor whole, uint64_t at, uint64_t count)
{
    assert(at <= whole.count && count <= whole.count - at);
    return (nas_tensor){.buffer = whole.buffer, .at = whole.at + at, .count = count};
}

nas_status nas_tensor_read(nas_tensor tensor, float *to)
{
    if (!tensor.buffer)
        NAS_FAIL(NAS_SHAPE, "reading a tensor that has no memory");
    return nas_buffer_read(tensor.buffer, 4 * tensor.at, 4 * tensor.count, to);
}

nas_status nas_tensor_write(nas_tensor tensor, const float *from)
{
    if (!tensor.buffer)
        NAS_FAIL(NAS_SHAPE, "writing a tensor that has no memory");
    return nas_buffer_write(tensor.buffer, 4 * tensor.at, 4 * tensor.count, from);
}

/* Sixteen samples at a time: the rows then stay in the cache while the columns are walked. */
void nas_chwn_from_nchw(const float *nchw, nas_shape shape, int batch, int n_padded, float *chwn)
{
    const size_t places = (size_t)nas_shape_count(shape);
    for (int first = 0; first < n_padded; first += NAS_BATCH_MULTIPLE) {
        int end = first + NAS_BATCH_MULTIPLE < n_padded ? first + NAS_BATCH_MULTIPLE : n_padded;
        for (size_t place = 0; place < places; place++)
            for (int n = first; n < end; n++)
                chwn[place * (size_t)n_padded + (size_t)n] =
                    n < batch ? nchw[(size_t)n * places + place] : 0.0f;
    }
}

void nas_nchw_from_chwn(const float *chwn, nas_shape shape, int batch, int n_padded, float *nchw)
{
    const size_t places = (size_t)nas_shape_count(shape);
    for (int first = 0; first < batch; first += NAS_BATCH_MULTIPLE) {
        int end = first + NAS_BATCH_MULTIPLE < batch ? first + NAS_BATCH_MULTIPLE : batch;
        for (size_t place = 0; place < places; place++)
            for (int n = first; n < end; n++)
                nchw[(size_t)n * places + place] = chwn[place * (size_t)n_padded + (size_t)n];
    }
}
