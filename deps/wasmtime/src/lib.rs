//! Wasmtime's core C API, and the three things that Wasmtime has and its C API lacks: an engine
//! constructor that reports failure, a resource limiter that calls back, and the pagemap scan of the
//! pooling allocator. No logic: each function hands its arguments on.
//! Their C declarations are in `src/engine/private.h`.
pub use wasmtime_c_api::*;

use std::ffi::c_void;
use wasmtime_c_api::wasmtime::{
    Config, Enabled, Engine, Error, PoolingAllocationConfig, ResourceLimiter, Result, Store,
};

/// `wasm_engine_new_with_config` aborts the process when the configuration cannot be had (no address
/// space for the pool, say); this returns the error.
///
/// # Safety
/// `out` is valid for a write.
#[no_mangle]
pub unsafe extern "C" fn tenon_engine_new(
    config: Box<wasm_config_t>,
    out: *mut Box<wasm_engine_t>,
) -> Option<Box<wasmtime_error_t>> {
    // wasm_config_t and wasm_engine_t are repr(C) structs of exactly this one field.
    let config = &*(&*config as *const wasm_config_t).cast::<Config>();
    match Engine::new(config) {
        Ok(engine) => {
            let engine = Box::into_raw(Box::new(engine)).cast::<wasm_engine_t>();
            out.write(Box::from_raw(engine));
            None
        }
        Err(error) => Some(Box::new(error.into())),
    }
}

/// # Safety
/// As for the C API's own setters.
#[no_mangle]
pub unsafe extern "C" fn tenon_pooling_pagemap_scan(
    pool: &mut wasmtime_pooling_allocation_config_t,
) {
    // A repr(C) struct of exactly this one field.
    let pool =
        &mut *(pool as *mut wasmtime_pooling_allocation_config_t).cast::<PoolingAllocationConfig>();
    pool.pagemap_scan(Enabled::Auto);
}

/// Asked before a memory (bytes) or table (elements) is made or grows: 0 refuses (the instruction returns
/// -1), 1 allows, anything else ends the guest.
type Growing = unsafe extern "C" fn(data: *mut c_void, desired: usize, maximum: usize) -> u8;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct tenon_limiter_t {
    data: *mut c_void,
    memory_growing: Growing,
    table_growing: Growing,
    instances: usize,
    tables: usize,
    memories: usize,
}

unsafe impl Send for tenon_limiter_t {}
unsafe impl Sync for tenon_limiter_t {}

fn answer(code: u8) -> Result<bool> {
    match code {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::msg("growth beyond a limit")),
    }
}

impl ResourceLimiter for tenon_limiter_t {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        answer(unsafe { (self.memory_growing)(self.data, desired, maximum.unwrap_or(usize::MAX)) })
    }
    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        answer(unsafe { (self.table_growing)(self.data, desired, maximum.unwrap_or(usize::MAX)) })
    }
    fn instances(&self) -> usize {
        self.instances
    }
    fn tables(&self) -> usize {
        self.tables
    }
    fn memories(&self) -> usize {
        self.memories
    }
}

/// Like `wasmtime_store_limiter`, with callbacks.
///
/// # Safety
/// `data` outlives the store.
#[no_mangle]
pub unsafe extern "C" fn tenon_store_limiter(
    store: &mut wasmtime_store_t,
    limiter: &tenon_limiter_t,
) {
    // A repr(C) struct of exactly this one field.
    let store = &mut *(store as *mut wasmtime_store_t).cast::<Store<WasmtimeStoreData>>();
    let mut limiter = OwnedLimiter(Box::into_raw(Box::new(*limiter)));
    store.limiter(move |_| limiter.get());
}

/// The closure must hand out a reference that outlives its own borrow, hence the raw pointer.
struct OwnedLimiter(*mut tenon_limiter_t);

unsafe impl Send for OwnedLimiter {}
unsafe impl Sync for OwnedLimiter {}

impl OwnedLimiter {
    fn get<'a>(&mut self) -> &'a mut dyn ResourceLimiter {
        unsafe { &mut *self.0 }
    }
}

impl Drop for OwnedLimiter {
    fn drop(&mut self) {
        drop(unsafe { Box::from_raw(self.0) });
    }
}
