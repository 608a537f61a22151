/* gemm.c - C = alpha·A·B + beta·C through CLBlast, row-major.
 *
 * CLBlast compiles its kernels at the first call (seconds on a CPU) and keeps them in tables of the
 * process, which a device that is closed clears: one thread is in it at a time. Its tuning has no entry for CPUs, where our own kernels are
 * far faster; on GPUs it is a candidate like any other. */
#include "opencl.h"

#include <clblast_c.h>
#include <inttypes.h>
#include <pthread.h>

static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

/* One operand of rows x columns as stored; the last row may be short of its stride. */
static nas_status check_matrix(const nas_device *device, const char *name, const nas_buffer *buffer,
                               uint64_t at, int rows, int columns, int stride)
{
    if (!buffer || buffer->device != device)
        NAS_FAIL(NAS_DEVICE, "gemm: %s has no buffer on %s", name, device->info.id);
    if (stride < columns)
        NAS_FAIL(NAS_SHAPE, "gemm: the row stride of %s, %d, is less than its %d columns", name,
                 stride, columns);
    uint64_t count = (uint64_t)(rows - 1) * (uint64_t)stride + (uint64_t)columns;
    if (at > buffer->size / 4 || count > buffer->size / 4 - at)
        NAS_FAIL(NAS_SHAPE,
                 "gemm: %s of %d x %d, stride %d, at %" PRIu64
                 " is outside buffer \"%s\" of %" PRIu64 " floats",
                 name, rows, columns, stride, at, buffer->label, buffer->size / 4);
    return NAS_OK;
}

nas_status nas__gemm_check(const nas_device *device, const nas_gemm *gemm)
{
    int m = gemm->m, n = gemm->n, k = gemm->k;
    bool ta = gemm->transpose_a, tb = gemm->transpose_b;
    if (m < 1 || n < 1 || k < 1)
        NAS_FAIL(NAS_SHAPE, "gemm of %d x %d x %d: every size must be at least 1", m, n, k);
    NAS_TRY(check_matrix(device, "A", gemm->a, gemm->a_at, ta ? k : m, ta ? m : k, gemm->a_stride));
    NAS_TRY(check_matrix(device, "B", gemm->b, gemm->b_at, tb ? n : k, tb ? k : n, gemm->b_stride));
    return check_matrix(device, "C", gemm->c, gemm->c_at, m, n, gemm->c_stride);
}

/* CLBlast takes no wait list, so what a team's queue has to wait for goes before, as a barrier. */
nas_status nas__gemm_run(nas_device *device, nas__queue *queue, const nas_gemm *gemm)
{
    nas__order order;
    cl_event done = NULL;
    device->used_gemm = true;
    nas__order_open(queue, &order);
    if (order.count > 0)
        NAS_CL(device, clEnqueueBarrierWithWaitList(queue->queue, order.count, order.list, NULL));
    pthread_mutex_lock(&clblast_lock);
    CLBlastStatusCode code = CLBlastSgemm(
        CLBlastLayoutRowMajor, gemm->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo,
        gemm->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo, (size_t)gemm->m,
        (size_t)gemm->n, (size_t)gemm->k, gemm->alpha, gemm->a->memory,
        (size_t)gemm->a_at + NAS_SLACK_FLOATS, (size_t)gemm->a_stride, gemm->b->memory,
        (size_t)gemm->b_at + NAS_SLACK_FLOATS, (size_t)gemm->b_stride, gemm->beta, gemm->c->memory,
        (size_t)gemm->c_at + NAS_SLACK_FLOATS, (size_t)gemm->c_stride, &queue->queue,
        order.kept ? &done : NULL);
    pthread_mutex_unlock(&clblast_lock);
    nas_status status = NAS_OK;
    if (code == CLBlastSuccess) {
        status = nas__order_close(device, queue, &order, done);
    } else {
        status = nas__opencl_failed(device, (cl_int)code, "CLBlastSgemm", __FILE__, __LINE__);
        nas_error_add("gemm of %d x %d x %d: ", gemm->m, gemm->n, gemm->k);
    }
    if (done)
        clReleaseEvent(done);
    return status;
}

void nas__gemm_forget(void)
{
    pthread_mutex_lock(&clblast_lock);
    CLBlastClearCache();
    pthread_mutex_unlock(&clblast_lock);
}
